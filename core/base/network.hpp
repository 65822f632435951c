// Network: an IPv4 or IPv6 network as a value, "10.0.0.0/8". The configuration reads it, netfilter makes rules of it.
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "core/base/address.hpp"
#include "core/base/result.hpp"

namespace core::base {

class Network {
public:
    // 0.0.0.0/0.
    Network() = default;

    // "10.0.0.0/8", "fd00::/8", or an address alone, which is a network of one. Error: what is wrong with the text. An
    // address with bits behind its prefix is an error: it is unclear which of the two was meant.
    static Result<Network> parse(std::string_view text);
    // prefix: 0 to 32 or 128; the bits behind it are 0. Error: they are not.
    static Result<Network> make(const Address& address, unsigned prefix);

    // With port 0.
    [[nodiscard]] const Address& address() const noexcept { return address_; }
    [[nodiscard]] unsigned prefix() const noexcept { return prefix_; }
    // Whatever its port. An IPv4 address is in no IPv6 network, mapped or not.
    [[nodiscard]] bool contains(const Address& address) const noexcept;
    [[nodiscard]] std::string text() const;

    friend auto operator<=>(const Network&, const Network&) = default;

private:
    Address address_;
    unsigned prefix_ = 0;
};

}  // namespace core::base

namespace core {
using base::Network;
}  // namespace core
