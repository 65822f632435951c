#include "netfilter/compare.hpp"

#include <cstring>

#include "netfilter/uapi.hpp"
// libnftnl's header comes after the kernel's.
#include <libnftnl/expr.h>

namespace netfilter {

void Compare::encode(nftnl_expr* out) const {
    nftnl_expr_set_u32(out, NFTNL_EXPR_CMP_SREG, from);
    nftnl_expr_set_u32(out, NFTNL_EXPR_CMP_OP, equal ? NFT_CMP_EQ : NFT_CMP_NEQ);
    nftnl_expr_set(out, NFTNL_EXPR_CMP_DATA, value.data(), static_cast<std::uint32_t>(value.size()));
}

std::optional<Compare> Compare::decode(const nftnl_expr* in) {
    std::uint32_t size = 0;
    const auto* data = static_cast<const std::uint8_t*>(nftnl_expr_get(in, NFTNL_EXPR_CMP_DATA, &size));
    const auto operation = nftnl_expr_get_u32(in, NFTNL_EXPR_CMP_OP);
    if (data == nullptr || (operation != NFT_CMP_EQ && operation != NFT_CMP_NEQ)) {
        return std::nullopt;
    }
    return Compare{operation == NFT_CMP_EQ, {data, data + size}, nftnl_expr_get_u32(in, NFTNL_EXPR_CMP_SREG)};
}

void Compare::print(Phrase& phrase) const {
    phrase.compare(equal, value);
}

std::vector<std::uint8_t> host_bytes(std::uint32_t number) {
    std::vector<std::uint8_t> bytes(sizeof number);
    std::memcpy(bytes.data(), &number, sizeof number);
    return bytes;
}

}  // namespace netfilter
