// dynset: a rule that keeps a set by itself. Each source of packets gets an element, and the element a limit of its
// own; the rule goes on when that limit says so ("update @rate4 { ip saddr limit rate over 100/second }").
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "netfilter/connlimit.hpp"
#include "netfilter/limit.hpp"
#include "netfilter/phrase.hpp"

struct nftnl_expr;

namespace netfilter {

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
