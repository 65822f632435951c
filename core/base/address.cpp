#include "core/base/address.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace core::base {
namespace {

Result<std::uint16_t> parse_port(std::string_view text) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size() || value > 65535) {
        return fail(fmt::format("'{}' is not a port", text), {}, "a port is a number from 1 to 65535");
    }
    return static_cast<std::uint16_t>(value);
}

}  // namespace

Result<Address> Address::parse(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) {
        return fail(fmt::format("'{}' has no port", text), {}, "write ADDRESS:PORT, such as 0.0.0.0:80 or [::]:80");
    }
    std::string_view host = text.substr(0, colon);
    if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
        host = host.substr(1, host.size() - 2);
        if (host.find(':') == std::string_view::npos) {
            return fail(fmt::format("'{}' is not an IPv6 address", host), {}, "brackets are for IPv6, such as [::]:80");
        }
    } else if (host.find(':') != std::string_view::npos) {
        return fail(fmt::format("'{}' is ambiguous", text), {}, "write an IPv6 address in brackets, such as [::]:80");
    }
    const auto port = parse_port(text.substr(colon + 1));
    if (!port) {
        return tl::unexpected(port.error());
    }
    auto address = parse_host(host, *port);
    if (!address) {
        address.error().mend = fmt::format(
            "write 0.0.0.0:{0} or [::]:{0} for all addresses, or one such as "
            "10.0.0.11:{0} or [2001:db8::11]:{0}",
            *port);
    }
    return address;
}

Result<Address> Address::parse_host(std::string_view host, std::uint16_t port) {
    // inet_pton would stop at a zero byte and accept the text before it.
    const std::string name(host.find('\0') == std::string_view::npos ? host : std::string_view());
    Address address;
    address.port_ = port;
    if (::inet_pton(AF_INET, name.c_str(), address.bytes_.data()) == 1) {
        return address;
    }
    if (::inet_pton(AF_INET6, name.c_str(), address.bytes_.data()) == 1) {
        address.v6_ = true;
        address.fold();
        return address;
    }
    return fail(fmt::format("'{}' is not an IP address", host), {},
                "write an address such as 10.0.0.11 or 2001:db8::11");
}

Address Address::from(const sockaddr_storage& storage) noexcept {
    Address address;
    if (storage.ss_family == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, &storage, sizeof v4);
        std::memcpy(address.bytes_.data(), &v4.sin_addr, 4);
        address.port_ = ntohs(v4.sin_port);
    } else if (storage.ss_family == AF_INET6) {
        sockaddr_in6 v6{};
        std::memcpy(&v6, &storage, sizeof v6);
        std::memcpy(address.bytes_.data(), &v6.sin6_addr, 16);
        address.port_ = ntohs(v6.sin6_port);
        address.v6_ = true;
        address.fold();
    }
    return address;
}

void Address::fold() noexcept {
    static constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (std::equal(mapped.begin(), mapped.end(), bytes_.begin())) {
        std::copy(bytes_.begin() + 12, bytes_.end(), bytes_.begin());
        std::fill(bytes_.begin() + 4, bytes_.end(), std::uint8_t{0});
        v6_ = false;
    }
}

Address Address::with_port(std::uint16_t port) const noexcept {
    Address copy = *this;
    copy.port_ = port;
    return copy;
}

bool Address::is_loopback() const noexcept {
    static constexpr std::array<std::uint8_t, 16> v6_loopback{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    return v6_ ? bytes_ == v6_loopback : bytes_[0] == 127;
}

std::string Address::text() const {
    return v6_ ? fmt::format("[{}]:{}", host(), port_) : fmt::format("{}:{}", host(), port_);
}

std::string Address::host() const {
    std::array<char, INET6_ADDRSTRLEN> text{};
    ::inet_ntop(family(), bytes_.data(), text.data(), text.size());
    return text.data();
}

socklen_t Address::fill(sockaddr_storage& storage) const noexcept {
    storage = {};
    if (v6_) {
        sockaddr_in6 v6{};
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(port_);
        std::memcpy(&v6.sin6_addr, bytes_.data(), 16);
        std::memcpy(&storage, &v6, sizeof v6);
        return sizeof v6;
    }
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port_);
    std::memcpy(&v4.sin_addr, bytes_.data(), 4);
    std::memcpy(&storage, &v4, sizeof v4);
    return sizeof v4;
}

}  // namespace core::base
