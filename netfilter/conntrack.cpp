#include "netfilter/conntrack.hpp"

#include <fmt/format.h>

#include "netfilter/uapi.hpp"
// libnftnl's header comes after the kernel's.
#include <libnftnl/expr.h>

namespace netfilter {

static_assert(static_cast<int>(Conntrack::Key::state) == NFT_CT_STATE);
static_assert(static_cast<int>(Conntrack::Key::status) == NFT_CT_STATUS);
static_assert(static_cast<int>(Conntrack::Key::first_port) == NFT_CT_PROTO_DST);

namespace {

constexpr std::uint8_t original = 0;  // IP_CT_DIR_ORIGINAL

}  // namespace

void Conntrack::encode(nftnl_expr* out) const {
    nftnl_expr_set_u32(out, NFTNL_EXPR_CT_KEY, static_cast<std::uint32_t>(key));
    nftnl_expr_set_u32(out, NFTNL_EXPR_CT_DREG, to);
    if (key == Key::first_port) {
        nftnl_expr_set_u8(out, NFTNL_EXPR_CT_DIR, original);
    }
}

std::optional<Conntrack> Conntrack::decode(const nftnl_expr* in) {
    const auto key = static_cast<Key>(nftnl_expr_get_u32(in, NFTNL_EXPR_CT_KEY));
    const bool directed = nftnl_expr_is_set(in, NFTNL_EXPR_CT_DIR);
    const bool ours = directed ? key == Key::first_port && nftnl_expr_get_u8(in, NFTNL_EXPR_CT_DIR) == original
                               : key != Key::first_port;
    if (!nftnl_expr_is_set(in, NFTNL_EXPR_CT_DREG) || !ours) {
        return std::nullopt;
    }
    return Conntrack{key, nftnl_expr_get_u32(in, NFTNL_EXPR_CT_DREG)};
}

void Conntrack::print(Phrase& phrase) const {
    if (key == Key::state) {
        return phrase.load("ct state", Phrase::Kind::conntrack_state);
    }
    if (key == Key::status) {
        return phrase.load("ct status", Phrase::Kind::conntrack_status);
    }
    if (key == Key::first_port) {
        return phrase.load("ct original proto-dst", Phrase::Kind::port);
    }
    phrase.load(fmt::format("ct key{}", static_cast<std::uint32_t>(key)), Phrase::Kind::other);
}

}  // namespace netfilter
