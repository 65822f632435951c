// ProxyHeader: the PROXY protocol, versions 1 and 2 (HAProxy's doc/proxy-protocol.txt): what a load balancer says about
// a connection before its first byte. Pure. The session reads one; the connector and the probe write one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "core/base/address.hpp"

namespace core::net {

struct ProxyHeader {
    // False: the connection is the sender's own, mostly a health check (LOCAL, UNKNOWN, or a family that is not TCP).
    // Then the socket's own addresses are the true ones.
    bool addressed = false;
    Address source;
    Address destination;  // of the same family
    // Whether the client spoke TLS with the sender (PP2_TYPE_SSL, PP2_CLIENT_SSL); empty where the header does not say.
    std::optional<bool> tls{};

    friend bool operator==(const ProxyHeader&, const ProxyHeader&) = default;
};

struct ProxyParse {
    enum class Verdict : std::uint8_t { incomplete, complete, bad };

    Verdict verdict = Verdict::incomplete;
    std::size_t consumed = 0;  // complete: the bytes of the header
    std::string_view reason;   // bad: a literal for the log
};

// The longest header that is accepted: 16 bytes, and this many of addresses and TLVs. The specification allows 64 KiB;
// balancers send some hundred bytes (a TLS name, a network's id).
inline constexpr std::size_t proxy_body_max = 2048;
inline constexpr std::size_t proxy_header_max = 16 + proxy_body_max;

// Parses the header at the start of bytes. Never incomplete for proxy_header_max bytes or more. bad as soon as no
// header can begin so: bytes that are no header must not be taken for the client's. out is valid only after complete.
// All TLVs are walked, so that a wrong length is refused; only the TLS one is used.
[[nodiscard]] ProxyParse parse_proxy_header(std::string_view bytes, ProxyHeader& out) noexcept;

enum class ProxyVersion : std::uint8_t { none, v1, v2 };

// As long as the longest header that we write.
using ProxyBuffer = std::array<char, 108>;
// Writes header as version (not none) requires, and returns the part of buffer that holds it. Addresses of two
// families, as on a dual-stack socket, are both written as IPv6, the IPv4 one mapped.
[[nodiscard]] std::string_view write_proxy_header(const ProxyHeader& header, ProxyVersion version,
                                                  ProxyBuffer& buffer) noexcept;

}  // namespace core::net
