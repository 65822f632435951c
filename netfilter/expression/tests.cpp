#include "netfilter/expression/tests.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "core/base/verify.hpp"
#include "netfilter/netlink/uapi.hpp"
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

void Lookup::encode(nftnl_expr* out) const {
    nftnl_expr_set_u32(out, NFTNL_EXPR_LOOKUP_SREG, from);
    if (verdict || to != 0) {
        nftnl_expr_set_u32(out, NFTNL_EXPR_LOOKUP_DREG, verdict ? std::uint32_t{NFT_REG_VERDICT} : to);
    }
    nftnl_expr_set_str(out, NFTNL_EXPR_LOOKUP_SET, map.c_str());
}

std::optional<Lookup> Lookup::decode(const nftnl_expr* in) {
    const bool loads = nftnl_expr_is_set(in, NFTNL_EXPR_LOOKUP_DREG);
    const bool data = loads && nftnl_expr_get_u32(in, NFTNL_EXPR_LOOKUP_DREG) != NFT_REG_VERDICT;
    const bool inverted =
        nftnl_expr_is_set(in, NFTNL_EXPR_LOOKUP_FLAGS) && nftnl_expr_get_u32(in, NFTNL_EXPR_LOOKUP_FLAGS) != 0;
    const char* set = nftnl_expr_get_str(in, NFTNL_EXPR_LOOKUP_SET);
    if (inverted || set == nullptr) {
        return std::nullopt;
    }
    return Lookup{set, nftnl_expr_get_u32(in, NFTNL_EXPR_LOOKUP_SREG), loads && !data,
                  data ? nftnl_expr_get_u32(in, NFTNL_EXPR_LOOKUP_DREG) : 0};
}

void Lookup::print(Phrase& phrase) const {
    const auto key = phrase.take_key();
    if (to != 0) {
        return phrase.load(fmt::format("{} map @{}", key, map), Phrase::Kind::other);
    }
    phrase.say(fmt::format("{} {}@{}", key, verdict ? "vmap " : "", map));
}

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
            nftnl_expr_add_expr(out, NFTNL_EXPR_DYNSET_EXPRESSIONS, inner);  // takes ownership
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
