// Expressions that test what a register holds, alone or against a set.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "netfilter/expression/limits.hpp"
#include "netfilter/expression/phrase.hpp"

struct nftnl_expr;

namespace netfilter {

// cmp: goes on with the rule only when a register equals, or differs from, a value.
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

// bitwise: masks a register, as in "ct state new".
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

// lookup: looks the key in the registers up in a verdict map and does what the map says ("vmap @new4"), goes on with
// the rule when a set holds it ("@ports"), or loads what a map gives for it ("map @slots").
struct Lookup {
    static constexpr const char* name = "lookup";

    std::string map;
    std::uint32_t from = 1;  // first register of the key
    bool verdict = true;     // false: `map` is a plain set or a map of data
    std::uint32_t to = 0;    // first register for the data; 0: `map` holds none

    void encode(nftnl_expr* out) const;
    static std::optional<Lookup> decode(const nftnl_expr* in);
    void print(Phrase& phrase) const;
    friend bool operator==(const Lookup&, const Lookup&) = default;
};

// dynset: a rule that keeps a set by itself. Each source of packets gets an element, and the element a limit of its
// own; the rule goes on when that limit says so ("update @rate4 { ip saddr limit rate over 100/second }").
struct Dynset {
    static constexpr const char* name = "dynset";
    // Both make the element that is not there; update also begins the time of one that is there anew.
    enum class Action : std::uint32_t { add = 0, update = 1 };  // NFT_DYNSET_OP_*

    std::string set;  // one with NFT_SET_EVAL
    Action action = Action::add;
    std::variant<Limit, Connlimit> limit;
    std::uint32_t from = 1;  // first register of the key

    void encode(nftnl_expr* out) const;
    static std::optional<Dynset> decode(const nftnl_expr* in);
    void print(Phrase& phrase) const;
    friend bool operator==(const Dynset&, const Dynset&) = default;
};

}  // namespace netfilter
