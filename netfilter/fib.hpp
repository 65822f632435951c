// fib: loads what the routing table says about a packet's address. Of its many forms only "fib daddr type", which
// tells whether a packet is for this machine whatever addresses that has.
#pragma once

#include <cstdint>
#include <optional>

#include "netfilter/phrase.hpp"

struct nftnl_expr;

namespace netfilter {

struct Fib {
    static constexpr const char* name = "fib";
    static constexpr std::uint32_t local = 2;  // RTN_LOCAL

    std::uint32_t to = 1;  // register

    void encode(nftnl_expr* out) const;
    static std::optional<Fib> decode(const nftnl_expr* in);
    void print(Phrase& phrase) const;
    friend bool operator==(const Fib&, const Fib&) = default;
};

}  // namespace netfilter
