#include "netfilter/expression/limits.hpp"

#include <fmt/format.h>

#include <array>
#include <string>
#include <utility>

#include "netfilter/netlink/uapi.hpp"
// libnftnl's header comes after the kernel's.
#include <libnftnl/expr.h>

namespace netfilter {

void Counter::encode(nftnl_expr* out) const {
    nftnl_expr_set_u64(out, NFTNL_EXPR_CTR_PACKETS, packets);
    nftnl_expr_set_u64(out, NFTNL_EXPR_CTR_BYTES, bytes);
}

std::optional<Counter> Counter::decode(const nftnl_expr* in) {
    return Counter{nftnl_expr_get_u64(in, NFTNL_EXPR_CTR_PACKETS), nftnl_expr_get_u64(in, NFTNL_EXPR_CTR_BYTES)};
}

void Counter::print(Phrase& phrase) const {
    phrase.say(fmt::format("counter packets {} bytes {}", packets, bytes));
}

void Limit::encode(nftnl_expr* out) const {
    nftnl_expr_set_u64(out, NFTNL_EXPR_LIMIT_RATE, rate);
    nftnl_expr_set_u64(out, NFTNL_EXPR_LIMIT_UNIT, unit);
    nftnl_expr_set_u32(out, NFTNL_EXPR_LIMIT_BURST, burst);
    nftnl_expr_set_u32(out, NFTNL_EXPR_LIMIT_TYPE, NFT_LIMIT_PKTS);
    nftnl_expr_set_u32(out, NFTNL_EXPR_LIMIT_FLAGS, over ? NFT_LIMIT_F_INV : 0);
}

std::optional<Limit> Limit::decode(const nftnl_expr* in) {
    if (nftnl_expr_get_u32(in, NFTNL_EXPR_LIMIT_TYPE) != NFT_LIMIT_PKTS) {
        return std::nullopt;  // in bytes, which no rule of ours counts
    }
    return Limit{nftnl_expr_get_u64(in, NFTNL_EXPR_LIMIT_RATE), nftnl_expr_get_u64(in, NFTNL_EXPR_LIMIT_UNIT),
                 nftnl_expr_get_u32(in, NFTNL_EXPR_LIMIT_BURST),
                 (nftnl_expr_get_u32(in, NFTNL_EXPR_LIMIT_FLAGS) & NFT_LIMIT_F_INV) != 0};
}

void Limit::print(Phrase& phrase) const {
    constexpr std::array<std::pair<std::uint64_t, const char*>, 5> words{
        {{1, "second"}, {60, "minute"}, {3'600, "hour"}, {86'400, "day"}, {604'800, "week"}}};
    constexpr std::uint32_t default_burst = 5;
    std::string text = fmt::format("{} seconds", unit);
    for (const auto& [seconds, word] : words) {
        text = seconds == unit ? word : text;
    }
    text = fmt::format("limit rate {}{}/{}", over ? "over " : "", rate, text);
    // nft prints no default burst.
    phrase.say(burst == default_burst ? text : fmt::format("{} burst {} packets", text, burst));
}

void Connlimit::encode(nftnl_expr* out) const {
    nftnl_expr_set_u32(out, NFTNL_EXPR_CONNLIMIT_COUNT, count);
    nftnl_expr_set_u32(out, NFTNL_EXPR_CONNLIMIT_FLAGS, over ? NFT_CONNLIMIT_F_INV : 0);
}

std::optional<Connlimit> Connlimit::decode(const nftnl_expr* in) {
    return Connlimit{nftnl_expr_get_u32(in, NFTNL_EXPR_CONNLIMIT_COUNT),
                     (nftnl_expr_get_u32(in, NFTNL_EXPR_CONNLIMIT_FLAGS) & NFT_CONNLIMIT_F_INV) != 0};
}

void Connlimit::print(Phrase& phrase) const {
    phrase.say(fmt::format("ct count {}{}", over ? "over " : "", count));
}

}  // namespace netfilter
