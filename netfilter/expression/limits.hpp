// Expressions that count packets, or that match up to a limit.
#pragma once

#include <cstdint>
#include <optional>

#include "netfilter/expression/phrase.hpp"

struct nftnl_expr;

namespace netfilter {

// counter: counts the packets that reach it.
struct Counter {
    static constexpr const char* name = "counter";

    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;

    void encode(nftnl_expr* out) const;
    static std::optional<Counter> decode(const nftnl_expr* in);
    void print(Phrase& phrase) const;
    // Counts do not matter for whether two rules are the same.
    friend bool operator==(const Counter&, const Counter&) { return true; }
};

// limit: matches up to so many packets in a unit of time; inverted, only those above that.
struct Limit {
    static constexpr const char* name = "limit";

    std::uint64_t rate = 1;   // packets in a unit; not 0
    std::uint64_t unit = 1;   // seconds: 1, 60, 3600, 86400 or 604800, which nft has names for
    std::uint32_t burst = 5;  // packets that may come at once
    bool over = false;        // matches what is over the limit

    void encode(nftnl_expr* out) const;
    static std::optional<Limit> decode(const nftnl_expr* in);
    void print(Phrase& phrase) const;
    friend bool operator==(const Limit&, const Limit&) = default;
};

// connlimit: matches while at most so many connections are open; inverted, only when there are more.
struct Connlimit {
    static constexpr const char* name = "connlimit";

    std::uint32_t count = 0;
    bool over = false;  // matches the connections above the limit

    void encode(nftnl_expr* out) const;
    static std::optional<Connlimit> decode(const nftnl_expr* in);
    void print(Phrase& phrase) const;
    friend bool operator==(const Connlimit&, const Connlimit&) = default;
};

}  // namespace netfilter
