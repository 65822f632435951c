// nat and masq: give a new connection another destination, or this machine's own address as its source. What follows of
// the connection, both ways, is translated by connection tracking.
#pragma once

#include <cstdint>
#include <optional>

#include "netfilter/phrase.hpp"

struct nftnl_expr;

namespace netfilter {

// Only of destinations, and only to an address and a port that registers hold.
struct Nat {
    static constexpr const char* name = "nat";

    bool v4 = true;
    std::uint32_t address_from = 1;
    std::uint32_t port_from = 9;

    void encode(nftnl_expr* out) const;
    static std::optional<Nat> decode(const nftnl_expr* in);
    void print(Phrase& phrase) const;
    friend bool operator==(const Nat&, const Nat&) = default;
};

struct Masquerade {
    static constexpr const char* name = "masq";

    void encode(nftnl_expr* /*out*/) const {}
    static std::optional<Masquerade> decode(const nftnl_expr* in);
    void print(Phrase& phrase) const { phrase.say("masquerade"); }
    friend bool operator==(const Masquerade&, const Masquerade&) = default;
};

}  // namespace netfilter
