#include "netfilter/reject.hpp"

#include <fmt/format.h>

#include <array>

#include "netfilter/uapi.hpp"
// libnftnl's header comes after the kernel's.
#include <libnftnl/expr.h>

namespace netfilter {

static_assert(static_cast<int>(Reject::Kind::tcp_reset) == NFT_REJECT_TCP_RST);
static_assert(static_cast<int>(Reject::Kind::icmpx) == NFT_REJECT_ICMPX_UNREACH);
static_assert(Reject::port_unreachable == NFT_REJECT_ICMPX_PORT_UNREACH);
static_assert(Reject::admin_prohibited == NFT_REJECT_ICMPX_ADMIN_PROHIBITED);

void Reject::encode(nftnl_expr* out) const {
    nftnl_expr_set_u32(out, NFTNL_EXPR_REJECT_TYPE, static_cast<std::uint32_t>(kind));
    nftnl_expr_set_u8(out, NFTNL_EXPR_REJECT_CODE, code);
}

std::optional<Reject> Reject::decode(const nftnl_expr* in) {
    if (!nftnl_expr_is_set(in, NFTNL_EXPR_REJECT_TYPE)) {
        return std::nullopt;
    }
    // The kernel does not report the code of a reset, which has none.
    const bool coded = nftnl_expr_is_set(in, NFTNL_EXPR_REJECT_CODE);
    return Reject{static_cast<Kind>(nftnl_expr_get_u32(in, NFTNL_EXPR_REJECT_TYPE)),
                  coded ? nftnl_expr_get_u8(in, NFTNL_EXPR_REJECT_CODE) : std::uint8_t{0}};
}

void Reject::print(Phrase& phrase) const {
    if (kind == Kind::tcp_reset) {
        return phrase.say("reject with tcp reset");
    }
    if (kind == Kind::icmpx && code == port_unreachable) {
        return phrase.say("reject");
    }
    constexpr std::array<const char*, 4> names{"no-route", "port-unreachable", "host-unreachable", "admin-prohibited"};
    if (kind == Kind::icmpx && code < names.size()) {
        return phrase.say(fmt::format("reject with icmpx {}", names.at(code)));
    }
    phrase.say(fmt::format("reject with icmp {}", code));
}

}  // namespace netfilter
