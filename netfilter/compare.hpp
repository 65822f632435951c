// cmp: goes on with the rule only when a register equals, or differs from, a value.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "netfilter/phrase.hpp"

struct nftnl_expr;

namespace netfilter {

struct Compare {
    static constexpr const char* name = "cmp";

    bool equal = true;
    std::vector<std::uint8_t> value;  // in the byte order the register has it: packets big endian, marks the host's
    std::uint32_t from = 1;           // register

    void encode(nftnl_expr* out) const;
    static std::optional<Compare> decode(const nftnl_expr* in);
    void print(Phrase& phrase) const;
    friend bool operator==(const Compare&, const Compare&) = default;
};

// The bytes of a number that the kernel keeps in the host's order (marks, connection states).
[[nodiscard]] std::vector<std::uint8_t> host_bytes(std::uint32_t number);

}  // namespace netfilter
