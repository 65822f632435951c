// Expression: one step of a rule, as a value. Each kind has a file of its own; this is their union.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "netfilter/expression/actions.hpp"
#include "netfilter/expression/limits.hpp"
#include "netfilter/expression/loads.hpp"
#include "netfilter/expression/spread.hpp"
#include "netfilter/expression/tests.hpp"

namespace netfilter {

// An expression that we never write, but may find after another program has changed our table.
struct Foreign {
    std::string kind;

    void print(Phrase& phrase) const;
    friend bool operator==(const Foreign&, const Foreign&) = default;
};

using Expression = std::variant<Meta, Payload, Conntrack, Bitwise, Compare, Lookup, Verdict, Reject, Counter, Limit,
                                Connlimit, Dynset, Fib, Hash, Numgen, Nat, Masquerade, Foreign>;

// A new libnftnl expression, owned by the caller. `expression` is not Foreign.
[[nodiscard]] nftnl_expr* encode(const Expression& expression);
// Foreign for what none of our kinds can hold.
[[nodiscard]] Expression decode(const nftnl_expr* in);

// The rule as nft prints it, without its comment.
[[nodiscard]] std::string print(const std::vector<Expression>& expressions);

}  // namespace netfilter
