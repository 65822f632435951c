// immediate: a verdict, as the end of a rule or as the value of a map's element.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "netfilter/phrase.hpp"

struct nftnl_expr;

namespace netfilter {

struct Verdict {
    static constexpr const char* name = "immediate";
    // The kernel's NF_* and NFT_* verdicts.
    // proceed is nft's "continue": the rule goes on with what stands behind the map.
    enum class Code : std::int32_t { drop = 0, accept = 1, proceed = -1, jump = -3, go_to = -4, back = -5 };

    Code code = Code::drop;
    std::string chain;  // of jump and go_to

    void encode(nftnl_expr* out) const;
    static std::optional<Verdict> decode(const nftnl_expr* in);
    void print(Phrase& phrase) const;
    // "drop", "return", "goto deny-reset".
    [[nodiscard]] std::string text() const;
    friend bool operator==(const Verdict&, const Verdict&) = default;
};

}  // namespace netfilter
