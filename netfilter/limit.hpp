// limit: goes on with the rule for so many packets in a time, or, inverted, only for those over that.
#pragma once

#include <cstdint>
#include <optional>

#include "netfilter/phrase.hpp"

struct nftnl_expr;

namespace netfilter {

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

}  // namespace netfilter
