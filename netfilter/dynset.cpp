#include "netfilter/dynset.hpp"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "core/base/verify.hpp"
#include "netfilter/uapi.hpp"
// libnftnl's header comes after the kernel's.
#include <libnftnl/expr.h>

namespace netfilter {

static_assert(static_cast<int>(Dynset::Action::add) == NFT_DYNSET_OP_ADD);
static_assert(static_cast<int>(Dynset::Action::update) == NFT_DYNSET_OP_UPDATE);

void Dynset::encode(nftnl_expr* out) const {
    nftnl_expr_set_str(out, NFTNL_EXPR_DYNSET_SET_NAME, set.c_str());
    nftnl_expr_set_u32(out, NFTNL_EXPR_DYNSET_OP, static_cast<std::uint32_t>(action));
    nftnl_expr_set_u32(out, NFTNL_EXPR_DYNSET_SREG_KEY, from);
    std::visit(
        [out](const auto& each) {
            auto* inner = nftnl_expr_alloc(each.name);
            VERIFY(inner != nullptr);
            each.encode(inner);
            nftnl_expr_add_expr(out, NFTNL_EXPR_DYNSET_EXPRESSIONS, inner);  // which owns it from here on
        },
        limit);
}

std::optional<Dynset> Dynset::decode(const nftnl_expr* in) {
    struct Inner {
        int count = 0;
        std::optional<std::variant<Limit, Connlimit>> limit;
    } inner;
    nftnl_expr_expr_foreach(
        in,
        [](nftnl_expr* each, void* data) {
            auto& found = *static_cast<Inner*>(data);
            const std::string_view kind = nftnl_expr_get_str(each, NFTNL_EXPR_NAME);
            ++found.count;
            if (kind == Limit::name) {
                found.limit = Limit::decode(each);
            } else if (kind == Connlimit::name) {
                found.limit = Connlimit::decode(each);
            }
            return 0;
        },
        &inner);
    const char* set = nftnl_expr_get_str(in, NFTNL_EXPR_DYNSET_SET_NAME);
    const auto operation = nftnl_expr_get_u32(in, NFTNL_EXPR_DYNSET_OP);
    const bool plain = !nftnl_expr_is_set(in, NFTNL_EXPR_DYNSET_SREG_DATA) && operation <= NFT_DYNSET_OP_UPDATE;
    if (set == nullptr || !plain || inner.count != 1 || !inner.limit) {
        return std::nullopt;
    }
    return Dynset{set, static_cast<Action>(operation), *inner.limit,
                  nftnl_expr_get_u32(in, NFTNL_EXPR_DYNSET_SREG_KEY)};
}

void Dynset::print(Phrase& phrase) const {
    const auto key = phrase.take_key();
    Phrase inner;
    std::visit([&inner](const auto& each) { each.print(inner); }, limit);
    phrase.say(
        fmt::format("{} @{} {{ {} {} }}", action == Action::add ? "add" : "update", set, key, std::move(inner).text()));
}

}  // namespace netfilter
