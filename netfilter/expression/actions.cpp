#include "netfilter/expression/actions.hpp"

#include <fmt/format.h>
#include <netinet/in.h>

#include <array>

#include "netfilter/netlink/uapi.hpp"
// libnftnl's header comes after the kernel's.
#include <libnftnl/expr.h>

namespace netfilter {

static_assert(static_cast<int>(Verdict::Code::drop) == NF_DROP && static_cast<int>(Verdict::Code::accept) == NF_ACCEPT);
static_assert(static_cast<int>(Verdict::Code::jump) == NFT_JUMP && static_cast<int>(Verdict::Code::go_to) == NFT_GOTO);
static_assert(static_cast<int>(Verdict::Code::back) == NFT_RETURN);
static_assert(static_cast<int>(Verdict::Code::proceed) == NFT_CONTINUE);

void Verdict::encode(nftnl_expr* out) const {
    nftnl_expr_set_u32(out, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
    nftnl_expr_set_u32(out, NFTNL_EXPR_IMM_VERDICT, static_cast<std::uint32_t>(code));
    if (!chain.empty()) {
        nftnl_expr_set_str(out, NFTNL_EXPR_IMM_CHAIN, chain.c_str());
    }
}

std::optional<Verdict> Verdict::decode(const nftnl_expr* in) {
    if (!nftnl_expr_is_set(in, NFTNL_EXPR_IMM_VERDICT)) {
        return std::nullopt;
    }
    Verdict verdict{static_cast<Code>(nftnl_expr_get_u32(in, NFTNL_EXPR_IMM_VERDICT)), {}};
    if (const char* chain = nftnl_expr_get_str(in, NFTNL_EXPR_IMM_CHAIN); chain != nullptr) {
        verdict.chain = chain;
    }
    return verdict;
}

void Verdict::print(Phrase& phrase) const {
    phrase.say(text());
}

std::string Verdict::text() const {
    switch (code) {
        case Code::drop:
            return "drop";
        case Code::accept:
            return "accept";
        case Code::proceed:
            return "continue";
        case Code::back:
            return "return";
        case Code::jump:
            return "jump " + chain;
        case Code::go_to:
            return "goto " + chain;
    }
    return fmt::format("verdict{}", static_cast<std::int32_t>(code));
}

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
    // The kernel reports no code for a reset, which has none.
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

void Nat::encode(nftnl_expr* out) const {
    nftnl_expr_set_u32(out, NFTNL_EXPR_NAT_TYPE, NFT_NAT_DNAT);
    nftnl_expr_set_u32(out, NFTNL_EXPR_NAT_FAMILY, v4 ? NFPROTO_IPV4 : NFPROTO_IPV6);
    nftnl_expr_set_u32(out, NFTNL_EXPR_NAT_REG_ADDR_MIN, address_from);
    nftnl_expr_set_u32(out, NFTNL_EXPR_NAT_REG_PROTO_MIN, port_from);
}

// The kernel adds flags of its own, and the ends of one-element ranges; both are ignored.
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
