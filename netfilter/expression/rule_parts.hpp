// Parts that the rules of several of our tables share: expressions, and their final chain.
#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <iterator>
#include <vector>

#include "netfilter/expression/expression.hpp"

namespace netfilter {

using Expressions = std::vector<Expression>;

// The chain that answers refused packets with a reset, in each table that has one.
inline constexpr const char* deny_reset = "deny-reset";

inline void append(Expressions& rule, Expressions more) {
    rule.insert(rule.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

// "meta nfproto ipv4", or ipv6.
[[nodiscard]] inline Expressions is_family(bool v4) {
    return {Meta{Meta::Key::network_protocol, 1},
            Compare{true, {static_cast<std::uint8_t>(v4 ? AF_INET : AF_INET6)}, 1}};
}

// "ct status dnat": matches connections with a destination that this machine has translated.
[[nodiscard]] inline Expressions is_translated() {
    return {Conntrack{Conntrack::Key::status, 1}, Bitwise{host_bytes(Conntrack::status_dnat), 1, 1},
            Compare{false, host_bytes(0), 1}};
}

// "ct state established,related", for the bits of both.
[[nodiscard]] inline Expressions is_in_state(std::uint32_t bits) {
    return {Conntrack{Conntrack::Key::state, 1}, Bitwise{host_bytes(bits), 1, 1}, Compare{false, host_bytes(0), 1}};
}

// "meta l4proto tcp", for IPPROTO_TCP.
[[nodiscard]] inline Expressions is_transport(std::uint8_t protocol) {
    return {Meta{Meta::Key::transport_protocol, 1}, Compare{true, {protocol}, 1}};
}

}  // namespace netfilter
