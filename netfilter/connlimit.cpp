#include "netfilter/connlimit.hpp"

#include <fmt/format.h>

#include "netfilter/uapi.hpp"
// libnftnl's header comes after the kernel's.
#include <libnftnl/expr.h>

namespace netfilter {

void Connlimit::encode(nftnl_expr* out) const {
    nftnl_expr_set_u32(out, NFTNL_EXPR_CONNLIMIT_COUNT, count);
    nftnl_expr_set_u32(out, NFTNL_EXPR_CONNLIMIT_FLAGS, over ? NFT_CONNLIMIT_F_INV : 0);
}

std::optional<Connlimit> Connlimit::decode(const nftnl_expr* in) {
    return Connlimit{nftnl_expr_get_u32(in, NFTNL_EXPR_CONNLIMIT_COUNT),
                     (nftnl_expr_get_u32(in, NFTNL_EXPR_CONNLIMIT_FLAGS) & NFT_CONNLIMIT_F_INV) != 0};
}

void Connlimit::print(Phrase& phrase) const {
    phrase.say(fmt::format("ct count {}{}", over ? "over " : "", count));
}

}  // namespace netfilter
