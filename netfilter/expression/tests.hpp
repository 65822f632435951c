// Expressions that test a register, alone or against a set.
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

// cmp: matches when a register equals, or differs from, a value.
struct Compare {
    static constexpr const char* name = "cmp";

    bool equal = true;
    std::vector<std::uint8_t> value;  // in the register's byte order: packets big endian, marks the host's
    std::uint32_t from = 1;           // register

    void encode(nftnl_expr* out) const;
    static std::optional<Compare> decode(const nftnl_expr* in);
    void print(Phrase& phrase) const;
    friend bool operator==(const Compare&, const Compare&) = default;
};

// The bytes of a number that the kernel keeps in host byte order (marks, connection states).
[[nodiscard]] std::vector<std::uint8_t> host_bytes(std::uint32_t number);

// bitwise: masks a register, as in "ct state new".
struct Bitwise {
    static constexpr const char* name = "bitwise";

    std::vector<std::uint8_t> mask;  // to = from & mask; we always use an exclusive or with zero
    std::uint32_t from = 1;
    std::uint32_t to = 1;

    void encode(nftnl_expr* out) const;
    static std::optional<Bitwise> decode(const nftnl_expr* in);
    void print(Phrase& phrase) const;
    friend bool operator==(const Bitwise&, const Bitwise&) = default;
};

// lookup: looks the key in the registers up. In a verdict map, does what the map says ("vmap @new4"). In a set, matches
// when the set holds the key ("@ports"). In a map of data, loads the value ("map @slots").
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

// dynset: a rule that adds elements to a set. Each source of packets gets an element with its own limit. The rule
// matches when that limit does ("update @rate4 { ip saddr limit rate over 100/second }").
struct Dynset {
    static constexpr const char* name = "dynset";
    // Both add a missing element; update also restarts the timeout of one that exists.
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
