#include "netfilter/lookup.hpp"

#include <fmt/format.h>

#include "netfilter/uapi.hpp"
// libnftnl's header comes after the kernel's.
#include <libnftnl/expr.h>

namespace netfilter {

void Lookup::encode(nftnl_expr* out) const {
    nftnl_expr_set_u32(out, NFTNL_EXPR_LOOKUP_SREG, from);
    nftnl_expr_set_u32(out, NFTNL_EXPR_LOOKUP_DREG, NFT_REG_VERDICT);
    nftnl_expr_set_str(out, NFTNL_EXPR_LOOKUP_SET, map.c_str());
}

std::optional<Lookup> Lookup::decode(const nftnl_expr* in) {
    const bool verdict = nftnl_expr_is_set(in, NFTNL_EXPR_LOOKUP_DREG) &&
                         nftnl_expr_get_u32(in, NFTNL_EXPR_LOOKUP_DREG) == NFT_REG_VERDICT;
    const char* set = nftnl_expr_get_str(in, NFTNL_EXPR_LOOKUP_SET);
    if (!verdict || set == nullptr) {
        return std::nullopt;
    }
    return Lookup{set, nftnl_expr_get_u32(in, NFTNL_EXPR_LOOKUP_SREG)};
}

void Lookup::print(Phrase& phrase) const {
    const auto key = phrase.take_key();
    phrase.say(fmt::format("{} vmap @{}", key, map));
}

}  // namespace netfilter
