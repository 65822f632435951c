// What the rules of several of our tables are put together from: steps, and the chain they end in.
#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <iterator>
#include <vector>

#include "netfilter/expression.hpp"

namespace netfilter {

using Expressions = std::vector<Expression>;

// The chain, in each table that has one, which answers what is refused with a reset.
inline constexpr const char* deny_reset = "deny-reset";

inline void append(Expressions& rule, Expressions more) {
    rule.insert(rule.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

// "meta nfproto ipv4", or ipv6.
[[nodiscard]] inline Expressions is_family(bool v4) {
    return {Meta{Meta::Key::network_protocol, 1},
            Compare{true, {static_cast<std::uint8_t>(v4 ? AF_INET : AF_INET6)}, 1}};
}

// "meta l4proto tcp", for IPPROTO_TCP.
[[nodiscard]] inline Expressions is_transport(std::uint8_t protocol) {
    return {Meta{Meta::Key::transport_protocol, 1}, Compare{true, {protocol}, 1}};
}

}  // namespace netfilter
