#include "netfilter/expression/spread.hpp"

#include <fmt/format.h>

#include "netfilter/netlink/uapi.hpp"
// libnftnl's header comes after the kernel's.
#include <libnftnl/expr.h>

namespace netfilter {

void Hash::encode(nftnl_expr* out) const {
    nftnl_expr_set_u32(out, NFTNL_EXPR_HASH_SREG, from);
    nftnl_expr_set_u32(out, NFTNL_EXPR_HASH_DREG, to);
    nftnl_expr_set_u32(out, NFTNL_EXPR_HASH_LEN, size);
    nftnl_expr_set_u32(out, NFTNL_EXPR_HASH_MODULUS, modulus);
    nftnl_expr_set_u32(out, NFTNL_EXPR_HASH_SEED, seed);
    nftnl_expr_set_u32(out, NFTNL_EXPR_HASH_TYPE, NFT_HASH_JENKINS);
}

std::optional<Hash> Hash::decode(const nftnl_expr* in) {
    if (nftnl_expr_get_u32(in, NFTNL_EXPR_HASH_TYPE) != NFT_HASH_JENKINS ||
        nftnl_expr_get_u32(in, NFTNL_EXPR_HASH_OFFSET) != 0) {
        return std::nullopt;
    }
    return Hash{nftnl_expr_get_u32(in, NFTNL_EXPR_HASH_SREG), nftnl_expr_get_u32(in, NFTNL_EXPR_HASH_LEN),
                nftnl_expr_get_u32(in, NFTNL_EXPR_HASH_MODULUS), nftnl_expr_get_u32(in, NFTNL_EXPR_HASH_SEED),
                nftnl_expr_get_u32(in, NFTNL_EXPR_HASH_DREG)};
}

void Hash::print(Phrase& phrase) const {
    const auto key = phrase.take_key();
    phrase.load(fmt::format("jhash {} mod {} seed 0x{:x}", key, modulus, seed), Phrase::Kind::other);
}

static_assert(static_cast<int>(Numgen::Order::incremental) == NFT_NG_INCREMENTAL);
static_assert(static_cast<int>(Numgen::Order::random) == NFT_NG_RANDOM);

void Numgen::encode(nftnl_expr* out) const {
    nftnl_expr_set_u32(out, NFTNL_EXPR_NG_DREG, to);
    nftnl_expr_set_u32(out, NFTNL_EXPR_NG_MODULUS, modulus);
    nftnl_expr_set_u32(out, NFTNL_EXPR_NG_TYPE, static_cast<std::uint32_t>(order));
}

std::optional<Numgen> Numgen::decode(const nftnl_expr* in) {
    const auto order = nftnl_expr_get_u32(in, NFTNL_EXPR_NG_TYPE);
    if (order > NFT_NG_RANDOM || nftnl_expr_get_u32(in, NFTNL_EXPR_NG_OFFSET) != 0) {
        return std::nullopt;
    }
    return Numgen{static_cast<Order>(order), nftnl_expr_get_u32(in, NFTNL_EXPR_NG_MODULUS),
                  nftnl_expr_get_u32(in, NFTNL_EXPR_NG_DREG)};
}

void Numgen::print(Phrase& phrase) const {
    const char* word = order == Order::random ? "random" : "inc";
    phrase.load(fmt::format("numgen {} mod {}", word, modulus), Phrase::Kind::other);
}

}  // namespace netfilter
