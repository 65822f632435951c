#include "netfilter/meta.hpp"

#include <fmt/format.h>

#include "netfilter/uapi.hpp"
// libnftnl's header comes after the kernel's.
#include <libnftnl/expr.h>

namespace netfilter {

static_assert(static_cast<int>(Meta::Key::mark) == NFT_META_MARK);
static_assert(static_cast<int>(Meta::Key::input_name) == NFT_META_IIFNAME);
static_assert(static_cast<int>(Meta::Key::network_protocol) == NFT_META_NFPROTO);
static_assert(static_cast<int>(Meta::Key::transport_protocol) == NFT_META_L4PROTO);

void Meta::encode(nftnl_expr* out) const {
    nftnl_expr_set_u32(out, NFTNL_EXPR_META_KEY, static_cast<std::uint32_t>(key));
    nftnl_expr_set_u32(out, NFTNL_EXPR_META_DREG, to);
}

std::optional<Meta> Meta::decode(const nftnl_expr* in) {
    if (!nftnl_expr_is_set(in, NFTNL_EXPR_META_DREG)) {
        return std::nullopt;  // the form that writes, which no rule of ours uses
    }
    return Meta{static_cast<Key>(nftnl_expr_get_u32(in, NFTNL_EXPR_META_KEY)),
                nftnl_expr_get_u32(in, NFTNL_EXPR_META_DREG)};
}

void Meta::print(Phrase& phrase) const {
    switch (key) {
        case Key::mark:
            return phrase.load("meta mark", Phrase::Kind::mark);
        case Key::input_name:
            return phrase.load("iifname", Phrase::Kind::interface_name);
        case Key::network_protocol:
            return phrase.load("meta nfproto", Phrase::Kind::network_protocol);
        case Key::transport_protocol:
            return phrase.load("meta l4proto", Phrase::Kind::transport_protocol);
    }
    phrase.load(fmt::format("meta key{}", static_cast<std::uint32_t>(key)), Phrase::Kind::other);
}

}  // namespace netfilter
