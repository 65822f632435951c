#include "netfilter/expression/loads.hpp"

#include <fmt/format.h>
#include <linux/rtnetlink.h>

#include <array>

#include "netfilter/netlink/uapi.hpp"
// libnftnl's header comes after the kernel's.
#include <libnftnl/expr.h>

namespace netfilter {

namespace {

struct Field {
    Payload::Base base;
    std::uint32_t offset;
    std::uint32_t size;
    const char* text;
    const char* needs;  // the protocol that must have been tested before, for the bytes to mean this
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
        return std::nullopt;  // the form that writes; no rule of ours uses it
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

static_assert(Fib::local == RTN_LOCAL);

void Fib::encode(nftnl_expr* out) const {
    nftnl_expr_set_u32(out, NFTNL_EXPR_FIB_DREG, to);
    nftnl_expr_set_u32(out, NFTNL_EXPR_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
    nftnl_expr_set_u32(out, NFTNL_EXPR_FIB_FLAGS, NFTA_FIB_F_DADDR);
}

std::optional<Fib> Fib::decode(const nftnl_expr* in) {
    if (nftnl_expr_get_u32(in, NFTNL_EXPR_FIB_RESULT) != NFT_FIB_RESULT_ADDRTYPE ||
        nftnl_expr_get_u32(in, NFTNL_EXPR_FIB_FLAGS) != NFTA_FIB_F_DADDR) {
        return std::nullopt;
    }
    return Fib{nftnl_expr_get_u32(in, NFTNL_EXPR_FIB_DREG)};
}

void Fib::print(Phrase& phrase) const {
    phrase.load("fib daddr type", Phrase::Kind::address_type);
}

}  // namespace netfilter
