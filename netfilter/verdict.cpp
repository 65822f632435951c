#include "netfilter/verdict.hpp"

#include <fmt/format.h>

#include "netfilter/uapi.hpp"
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

}  // namespace netfilter
