// lookup: looks the key in the registers up in a verdict map and does what the map says ("vmap @new4"), goes on with
// the rule when a set holds it ("@ports"), or loads what a map gives for it ("map @slots").
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "netfilter/phrase.hpp"

struct nftnl_expr;

namespace netfilter {

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

}  // namespace netfilter
