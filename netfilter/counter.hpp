// counter: counts the packets that come this far in a rule.
#pragma once

#include <cstdint>
#include <optional>

#include "netfilter/phrase.hpp"

struct nftnl_expr;

namespace netfilter {

struct Counter {
    static constexpr const char* name = "counter";

    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;

    void encode(nftnl_expr* out) const;
    static std::optional<Counter> decode(const nftnl_expr* in);
    void print(Phrase& phrase) const;
    // A rule that has counted something is still the same rule.
    friend bool operator==(const Counter&, const Counter&) { return true; }
};

}  // namespace netfilter
