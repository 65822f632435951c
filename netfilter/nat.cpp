#include "netfilter/nat.hpp"

#include <netinet/in.h>

#include "netfilter/uapi.hpp"
// libnftnl's header comes after the kernel's.
#include <libnftnl/expr.h>

namespace netfilter {

void Nat::encode(nftnl_expr* out) const {
    nftnl_expr_set_u32(out, NFTNL_EXPR_NAT_TYPE, NFT_NAT_DNAT);
    nftnl_expr_set_u32(out, NFTNL_EXPR_NAT_FAMILY, v4 ? NFPROTO_IPV4 : NFPROTO_IPV6);
    nftnl_expr_set_u32(out, NFTNL_EXPR_NAT_REG_ADDR_MIN, address_from);
    nftnl_expr_set_u32(out, NFTNL_EXPR_NAT_REG_PROTO_MIN, port_from);
}

// The kernel names flags that it has set by itself, and the ends of ranges of one; neither is looked at.
std::optional<Nat> Nat::decode(const nftnl_expr* in) {
    const auto family = nftnl_expr_get_u32(in, NFTNL_EXPR_NAT_FAMILY);
    if (nftnl_expr_get_u32(in, NFTNL_EXPR_NAT_TYPE) != NFT_NAT_DNAT ||
        (family != NFPROTO_IPV4 && family != NFPROTO_IPV6) || !nftnl_expr_is_set(in, NFTNL_EXPR_NAT_REG_ADDR_MIN) ||
        !nftnl_expr_is_set(in, NFTNL_EXPR_NAT_REG_PROTO_MIN)) {
        return std::nullopt;
    }
    return Nat{family == NFPROTO_IPV4, nftnl_expr_get_u32(in, NFTNL_EXPR_NAT_REG_ADDR_MIN),
               nftnl_expr_get_u32(in, NFTNL_EXPR_NAT_REG_PROTO_MIN)};
}

void Nat::print(Phrase& phrase) const {
    const auto key = phrase.take_key();
    phrase.say((v4 ? "dnat ip to " : "dnat ip6 to ") + key);
}

std::optional<Masquerade> Masquerade::decode(const nftnl_expr* in) {
    if (nftnl_expr_is_set(in, NFTNL_EXPR_MASQ_REG_PROTO_MIN) ||
        (nftnl_expr_is_set(in, NFTNL_EXPR_MASQ_FLAGS) && nftnl_expr_get_u32(in, NFTNL_EXPR_MASQ_FLAGS) != 0)) {
        return std::nullopt;
    }
    return Masquerade{};
}

}  // namespace netfilter
