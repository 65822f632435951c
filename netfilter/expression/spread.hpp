// Expressions that load a number, which distributes new connections over slots.
#pragma once

#include <cstdint>
#include <optional>

#include "netfilter/expression/phrase.hpp"

struct nftnl_expr;

namespace netfilter {

// hash: loads a number computed from the bytes in the registers (jhash); equal bytes give equal numbers.
struct Hash {
    static constexpr const char* name = "hash";

    std::uint32_t from = 2;  // first register of the bytes
    std::uint32_t size = 4;  // bytes
    std::uint32_t modulus = 1;
    std::uint32_t seed = 0;
    std::uint32_t to = 1;  // register; the number is in host byte order

    void encode(nftnl_expr* out) const;
    static std::optional<Hash> decode(const nftnl_expr* in);
    void print(Phrase& phrase) const;
    friend bool operator==(const Hash&, const Hash&) = default;
};

// numgen: loads a number for each packet, counted up or random. It distributes new connections over slots.
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
