#include "netfilter/lookup.hpp"

#include <fmt/format.h>

#include "netfilter/uapi.hpp"
// libnftnl's header comes after the kernel's.
#include <libnftnl/expr.h>

namespace netfilter {

void Lookup::encode(nftnl_expr* out) const {
    nftnl_expr_set_u32(out, NFTNL_EXPR_LOOKUP_SREG, from);
    if (verdict || to != 0) {
        nftnl_expr_set_u32(out, NFTNL_EXPR_LOOKUP_DREG, verdict ? std::uint32_t{NFT_REG_VERDICT} : to);
    }
    nftnl_expr_set_str(out, NFTNL_EXPR_LOOKUP_SET, map.c_str());
}

std::optional<Lookup> Lookup::decode(const nftnl_expr* in) {
    const bool loads = nftnl_expr_is_set(in, NFTNL_EXPR_LOOKUP_DREG);
    const bool data = loads && nftnl_expr_get_u32(in, NFTNL_EXPR_LOOKUP_DREG) != NFT_REG_VERDICT;
    const bool inverted =
        nftnl_expr_is_set(in, NFTNL_EXPR_LOOKUP_FLAGS) && nftnl_expr_get_u32(in, NFTNL_EXPR_LOOKUP_FLAGS) != 0;
    const char* set = nftnl_expr_get_str(in, NFTNL_EXPR_LOOKUP_SET);
    if (inverted || set == nullptr) {
        return std::nullopt;
    }
    return Lookup{set, nftnl_expr_get_u32(in, NFTNL_EXPR_LOOKUP_SREG), loads && !data,
                  data ? nftnl_expr_get_u32(in, NFTNL_EXPR_LOOKUP_DREG) : 0};
}

void Lookup::print(Phrase& phrase) const {
    const auto key = phrase.take_key();
    if (to != 0) {
        return phrase.load(fmt::format("{} map @{}", key, map), Phrase::Kind::other);
    }
    phrase.say(fmt::format("{} {}@{}", key, verdict ? "vmap " : "", map));
}

}  // namespace netfilter
