#include "netfilter/fib.hpp"

#include <linux/rtnetlink.h>

#include "netfilter/uapi.hpp"
// libnftnl's header comes after the kernel's.
#include <libnftnl/expr.h>

namespace netfilter {

static_assert(Fib::local == RTN_LOCAL);

void Fib::encode(nftnl_expr* out) const {
    nftnl_expr_set_u32(out, NFTNL_EXPR_FIB_DREG, to);
    nftnl_expr_set_u32(out, NFTNL_EXPR_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
    nftnl_expr_set_u32(out, NFTNL_EXPR_FIB_FLAGS, NFTA_FIB_F_DADDR);
}

std::optional<Fib> Fib::decode(const nftnl_expr* in) {
    if (nftnl_expr_get_u32(in, NFTNL_EXPR_FIB_RESULT) != NFT_FIB_RESULT_ADDRTYPE ||
        nftnl_expr_get_u32(in, NFTNL_EXPR_FIB_FLAGS) != NFTA_FIB_F_DADDR) {
        return std::nullopt;
    }
    return Fib{nftnl_expr_get_u32(in, NFTNL_EXPR_FIB_DREG)};
}

void Fib::print(Phrase& phrase) const {
    phrase.load("fib daddr type", Phrase::Kind::address_type);
}

}  // namespace netfilter
