#include "netfilter/conntrack.hpp"

#include <fmt/format.h>

#include "netfilter/uapi.hpp"
// libnftnl's header comes after the kernel's.
#include <libnftnl/expr.h>

namespace netfilter {

static_assert(static_cast<int>(Conntrack::Key::state) == NFT_CT_STATE);
static_assert(static_cast<int>(Conntrack::Key::status) == NFT_CT_STATUS);

void Conntrack::encode(nftnl_expr* out) const {
    nftnl_expr_set_u32(out, NFTNL_EXPR_CT_KEY, static_cast<std::uint32_t>(key));
    nftnl_expr_set_u32(out, NFTNL_EXPR_CT_DREG, to);
}

std::optional<Conntrack> Conntrack::decode(const nftnl_expr* in) {
    const bool plain_load = nftnl_expr_is_set(in, NFTNL_EXPR_CT_DREG) && !nftnl_expr_is_set(in, NFTNL_EXPR_CT_DIR);
    if (!plain_load) {
        return std::nullopt;
    }
    return Conntrack{static_cast<Key>(nftnl_expr_get_u32(in, NFTNL_EXPR_CT_KEY)),
                     nftnl_expr_get_u32(in, NFTNL_EXPR_CT_DREG)};
}

void Conntrack::print(Phrase& phrase) const {
    if (key == Key::state) {
        return phrase.load("ct state", Phrase::Kind::conntrack_state);
    }
    if (key == Key::status) {
        return phrase.load("ct status", Phrase::Kind::conntrack_status);
    }
    phrase.load(fmt::format("ct key{}", static_cast<std::uint32_t>(key)), Phrase::Kind::other);
}

}  // namespace netfilter
