// Target: the request target and the Host field, and which of the two counts (RFC 9112 3.2, 3.3). Internal to the
// parser; the configuration also uses parse_authority, for host names.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/http/head_lines.hpp"

namespace core::http {

struct Authority {
    std::string_view host;   // not empty; an IPv6 literal keeps its brackets
    std::uint16_t port = 0;  // 0: none given
};

// "host", "host:80", "[::1]:80", "host:". False for anything else: an empty host, user information, a comma, a port
// that is 0 or over 65535. Also false for bytes that stand in no DNS name or address. (RFC 3986 would allow
// "!$&'()*+;=" too, but no honest client sends them.)
[[nodiscard]] bool parse_authority(std::string_view text, Authority& out) noexcept;

// Fills path, query, authority, host and port of out from out.method, out.target, out.minor and the Host field
// (nullptr: none). cursor gets the place of a fault.
[[nodiscard]] Fault parse_target(Cursor& cursor, RequestHead& out, const Field* host) noexcept;

}  // namespace core::http
