#include "netfilter/bitwise.hpp"

#include <algorithm>

#include "netfilter/uapi.hpp"
// libnftnl's header comes after the kernel's.
#include <libnftnl/expr.h>

namespace netfilter {

void Bitwise::encode(nftnl_expr* out) const {
    const std::vector<std::uint8_t> zero(mask.size(), 0);
    const auto size = static_cast<std::uint32_t>(mask.size());
    nftnl_expr_set_u32(out, NFTNL_EXPR_BITWISE_SREG, from);
    nftnl_expr_set_u32(out, NFTNL_EXPR_BITWISE_DREG, to);
    nftnl_expr_set_u32(out, NFTNL_EXPR_BITWISE_OP, NFT_BITWISE_BOOL);
    nftnl_expr_set_u32(out, NFTNL_EXPR_BITWISE_LEN, size);
    nftnl_expr_set(out, NFTNL_EXPR_BITWISE_MASK, mask.data(), size);
    nftnl_expr_set(out, NFTNL_EXPR_BITWISE_XOR, zero.data(), size);
}

std::optional<Bitwise> Bitwise::decode(const nftnl_expr* in) {
    std::uint32_t size = 0;
    std::uint32_t xor_size = 0;
    const auto* mask = static_cast<const std::uint8_t*>(nftnl_expr_get(in, NFTNL_EXPR_BITWISE_MASK, &size));
    const auto* other = static_cast<const std::uint8_t*>(nftnl_expr_get(in, NFTNL_EXPR_BITWISE_XOR, &xor_size));
    if (mask == nullptr || other == nullptr || std::any_of(other, other + xor_size, [](auto x) { return x != 0; })) {
        return std::nullopt;
    }
    return Bitwise{{mask, mask + size},
                   nftnl_expr_get_u32(in, NFTNL_EXPR_BITWISE_SREG),
                   nftnl_expr_get_u32(in, NFTNL_EXPR_BITWISE_DREG)};
}

void Bitwise::print(Phrase& phrase) const {
    phrase.mask(mask);
}

}  // namespace netfilter
