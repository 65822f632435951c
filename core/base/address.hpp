// Address: an IPv4 or IPv6 address with a port, as a value. It lives in base, not in net: the netfilter library and the
// configuration need it, and neither may depend on the ring.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/result.hpp"

namespace core::base {

class Address {
public:
    // 0.0.0.0:0.
    Address() = default;

    // "10.0.0.1:80", "[::1]:80". No names, no zone ids. Error: what is wrong with the text. Port 0 is accepted; the
    // caller decides whether it makes sense.
    static Result<Address> parse(std::string_view text);
    // "10.0.0.1" or "::1" with a port of its own.
    static Result<Address> parse_host(std::string_view host, std::uint16_t port);
    // AF_INET and AF_INET6 only; anything else is 0.0.0.0:0.
    static Address from(const sockaddr_storage& storage) noexcept;

    [[nodiscard]] bool is_v4() const noexcept { return !v6_; }
    // 127.0.0.0/8 or ::1.
    [[nodiscard]] bool is_loopback() const noexcept;
    [[nodiscard]] int family() const noexcept { return v6_ ? AF_INET6 : AF_INET; }
    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    // Network byte order; 4 bytes used for IPv4, the rest zero.
    [[nodiscard]] const std::array<std::uint8_t, 16>& bytes() const noexcept { return bytes_; }
    [[nodiscard]] Address with_port(std::uint16_t port) const noexcept;

    // "10.0.0.1:80", "[::1]:80".
    [[nodiscard]] std::string text() const;
    // "10.0.0.1", "::1".
    [[nodiscard]] std::string host() const;
    // Fills storage and returns the length for bind or connect.
    socklen_t fill(sockaddr_storage& storage) const noexcept;

    friend auto operator<=>(const Address&, const Address&) = default;

private:
    // Turns an IPv4-mapped IPv6 address (::ffff:10.0.0.1) into the IPv4 address, so that the two compare as equal.
    void fold() noexcept;
    std::array<std::uint8_t, 16> bytes_{};
    std::uint16_t port_ = 0;
    bool v6_ = false;
};

}  // namespace core::base

namespace core {
using base::Address;
}  // namespace core
