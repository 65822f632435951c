// bitwise: masks a register, as in "ct state new".
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "netfilter/phrase.hpp"

struct nftnl_expr;

namespace netfilter {

struct Bitwise {
    static constexpr const char* name = "bitwise";

    std::vector<std::uint8_t> mask;  // to = from & mask; the kernel's exclusive or is always zero with us
    std::uint32_t from = 1;
    std::uint32_t to = 1;

    void encode(nftnl_expr* out) const;
    static std::optional<Bitwise> decode(const nftnl_expr* in);
    void print(Phrase& phrase) const;
    friend bool operator==(const Bitwise&, const Bitwise&) = default;
};

}  // namespace netfilter
