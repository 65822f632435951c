// numgen: loads a number for each packet, counted up or by chance: what spreads new connections over slots.
#pragma once

#include <cstdint>
#include <optional>

#include "netfilter/phrase.hpp"

struct nftnl_expr;

namespace netfilter {

struct Numgen {
    static constexpr const char* name = "numgen";
    enum class Order : std::uint32_t { incremental = 0, random = 1 };  // NFT_NG_*

    Order order = Order::incremental;
    std::uint32_t modulus = 1;
    std::uint32_t to = 1;  // register; the number is in host byte order

    void encode(nftnl_expr* out) const;
    static std::optional<Numgen> decode(const nftnl_expr* in);
    void print(Phrase& phrase) const;
    friend bool operator==(const Numgen&, const Numgen&) = default;
};

}  // namespace netfilter
