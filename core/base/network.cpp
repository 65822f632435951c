#include "core/base/network.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace core::base {
namespace {

// The prefix of an IPv4-mapped IPv6 address (RFC 4291, 2.5.5.2).
constexpr unsigned mapped_bits = 96;

// The address with everything behind the prefix cleared.
Address cut(const Address& address, unsigned prefix) {
    auto bytes = address.bytes();
    for (std::size_t bit = prefix; bit < bytes.size() * 8; ++bit) {
        bytes.at(bit / 8) = static_cast<std::uint8_t>(bytes.at(bit / 8) & ~(0x80U >> bit % 8));
    }
    sockaddr_storage storage{};
    if (address.is_v4()) {
        auto& in = reinterpret_cast<sockaddr_in&>(storage);
        in.sin_family = AF_INET;
        std::copy(bytes.begin(), bytes.begin() + 4, reinterpret_cast<std::uint8_t*>(&in.sin_addr));
    } else {
        auto& in = reinterpret_cast<sockaddr_in6&>(storage);
        in.sin6_family = AF_INET6;
        std::copy(bytes.begin(), bytes.end(), in.sin6_addr.s6_addr);
    }
    return Address::from(storage);
}

}  // namespace

Result<Network> Network::parse(std::string_view text) {
    const auto slash = text.find('/');
    const auto address = Address::parse_host(text.substr(0, slash), 0);
    if (!address) {
        return fail(fmt::format("'{}' is not a network", text), "", "write it as 10.0.0.0/8 or fd00::/8");
    }
    // ::ffff:10.0.0.0/104 is 10.0.0.0/8, as the address is IPv4's.
    const bool mapped = address->is_v4() && text.find(':') != std::string_view::npos;
    const unsigned longest = address->is_v4() && !mapped ? 32 : 128;
    unsigned prefix = longest;
    if (slash != std::string_view::npos) {
        const auto digits = text.substr(slash + 1);
        const auto* end = digits.data() + digits.size();
        const auto [at, error] = std::from_chars(digits.data(), end, prefix);
        if (error != std::errc() || at != end || prefix > longest || (mapped && prefix < mapped_bits)) {
            return fail(fmt::format("'{}' has no good prefix length", text), "",
                        fmt::format("write a number from {} to {} behind the '/'", mapped ? mapped_bits : 0, longest));
        }
    }
    return make(*address, mapped ? prefix - mapped_bits : prefix);
}

Result<Network> Network::make(const Address& address, unsigned prefix) {
    if (prefix > (address.is_v4() ? 32U : 128U)) {
        return fail(fmt::format("/{} is too long a prefix", prefix));
    }
    Network network;
    network.address_ = cut(address, prefix);
    network.prefix_ = prefix;
    if (network.address_ != address.with_port(0)) {
        return fail(fmt::format("'{}/{}' has bits set behind its prefix", address.host(), prefix), "",
                    fmt::format("write {} for the network, or {} for the one address", network.text(), address.host()));
    }
    return network;
}

bool Network::contains(const Address& address) const noexcept {
    if (address.family() != address_.family()) {
        return false;
    }
    const auto& wanted = address_.bytes();
    const auto& given = address.bytes();
    const auto whole = static_cast<std::ptrdiff_t>(prefix_ / 8);
    const auto rest = static_cast<std::uint8_t>(~(0xffU >> prefix_ % 8));
    return std::equal(wanted.begin(), wanted.begin() + whole, given.begin()) &&
           (rest == 0 || (given[prefix_ / 8] & rest) == wanted[prefix_ / 8]);
}

std::string Network::text() const {
    return fmt::format("{}/{}", address_.host(), prefix_);
}

}  // namespace core::base
