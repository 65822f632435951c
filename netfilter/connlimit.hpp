// connlimit: goes on with the rule while so many connections are open, or, inverted, only when there are more.
#pragma once

#include <cstdint>
#include <optional>

#include "netfilter/phrase.hpp"

struct nftnl_expr;

namespace netfilter {

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
