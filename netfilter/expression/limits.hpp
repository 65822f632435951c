// Expressions that count, and that go on with a rule only up to a limit.
#pragma once

#include <cstdint>
#include <optional>

#include "netfilter/expression/phrase.hpp"

struct nftnl_expr;

namespace netfilter {

// counter: counts the packets that come this far in a rule.
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

// limit: goes on with the rule for so many packets in a time, or, inverted, only for those over that.
struct Limit {
    static constexpr const char* name = "limit";

    std::uint64_t rate = 1;   // packets in a unit; not 0
    std::uint64_t unit = 1;   // seconds: 1, 60, 3600, 86400 or 604800, which nft has words for
    std::uint32_t burst = 5;  // packets that may come at once
    bool over = false;        // matches what is over the limit

    void encode(nftnl_expr* out) const;
    static std::optional<Limit> decode(const nftnl_expr* in);
    void print(Phrase& phrase) const;
    friend bool operator==(const Limit&, const Limit&) = default;
};

// connlimit: goes on with the rule while so many connections are open, or, inverted, only when there are more.
struct Connlimit {
    static constexpr const char* name = "connlimit";

    std::uint32_t count = 0;
    bool over = false;  // matches the connections that are too many

    void encode(nftnl_expr* out) const;
    static std::optional<Connlimit> decode(const nftnl_expr* in);
    void print(Phrase& phrase) const;
    friend bool operator==(const Connlimit&, const Connlimit&) = default;
};

}  // namespace netfilter
