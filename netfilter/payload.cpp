#include "netfilter/payload.hpp"

#include <fmt/format.h>

#include <array>

#include "netfilter/uapi.hpp"
// libnftnl's header comes after the kernel's.
#include <libnftnl/expr.h>

namespace netfilter {
namespace {

struct Field {
    Payload::Base base;
    std::uint32_t offset;
    std::uint32_t size;
    const char* text;
    const char* needs;  // the protocol that must have been tested for before the bytes mean this
    Phrase::Kind kind;
};

using Base = Payload::Base;
using Kind = Phrase::Kind;

constexpr std::array<Field, 10> fields{{{Base::network, 12, 4, "ip saddr", "ip", Kind::address},
                                        {Base::network, 16, 4, "ip daddr", "ip", Kind::address},
                                        {Base::network, 8, 16, "ip6 saddr", "ip6", Kind::address},
                                        {Base::network, 24, 16, "ip6 daddr", "ip6", Kind::address},
                                        {Base::transport, 0, 2, "th sport", "", Kind::port},
                                        {Base::transport, 2, 2, "tcp dport", "tcp", Kind::port},
                                        {Base::transport, 2, 2, "th dport", "", Kind::port},
                                        {Base::transport, 0, 1, "icmp type", "icmp", Kind::icmp_type},
                                        {Base::transport, 0, 1, "icmpv6 type", "ipv6-icmp", Kind::icmpv6_type},
                                        {Base::transport, 13, 1, "tcp flags", "tcp", Kind::tcp_flags}}};

}  // namespace

void Payload::encode(nftnl_expr* out) const {
    nftnl_expr_set_u32(out, NFTNL_EXPR_PAYLOAD_BASE, static_cast<std::uint32_t>(base));
    nftnl_expr_set_u32(out, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
    nftnl_expr_set_u32(out, NFTNL_EXPR_PAYLOAD_LEN, size);
    nftnl_expr_set_u32(out, NFTNL_EXPR_PAYLOAD_DREG, to);
}

std::optional<Payload> Payload::decode(const nftnl_expr* in) {
    if (!nftnl_expr_is_set(in, NFTNL_EXPR_PAYLOAD_DREG)) {
        return std::nullopt;
    }
    return Payload{static_cast<Base>(nftnl_expr_get_u32(in, NFTNL_EXPR_PAYLOAD_BASE)),
                   nftnl_expr_get_u32(in, NFTNL_EXPR_PAYLOAD_OFFSET), nftnl_expr_get_u32(in, NFTNL_EXPR_PAYLOAD_LEN),
                   nftnl_expr_get_u32(in, NFTNL_EXPR_PAYLOAD_DREG)};
}

void Payload::print(Phrase& phrase) const {
    for (const auto& field : fields) {
        const bool fits = field.base == base && field.offset == offset && field.size == size;
        if (fits && (*field.needs == '\0' || phrase.implies(field.needs))) {
            return phrase.load(field.text, field.kind, field.needs);
        }
    }
    const char* where = base == Base::link ? "ll" : base == Base::network ? "nh" : "th";
    phrase.load(fmt::format("@{},{},{}", where, offset * 8, size * 8), Kind::other);
}

Payload ip_source(std::uint32_t to) {
    return {Base::network, 12, 4, to};
}
Payload ip6_source(std::uint32_t to) {
    return {Base::network, 8, 16, to};
}
Payload ip_destination(std::uint32_t to) {
    return {Base::network, 16, 4, to};
}
Payload ip6_destination(std::uint32_t to) {
    return {Base::network, 24, 16, to};
}
Payload destination_port(std::uint32_t to) {
    return {Base::transport, 2, 2, to};
}
Payload icmp_type(std::uint32_t to) {
    return {Base::transport, 0, 1, to};
}
Payload tcp_flags(std::uint32_t to) {
    return {Base::transport, 13, 1, to};
}

}  // namespace netfilter
