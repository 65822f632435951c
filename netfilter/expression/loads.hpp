// Expressions that load a register: from the packet, or from what the kernel knows about it.
#pragma once

#include <cstdint>
#include <optional>

#include "netfilter/expression/phrase.hpp"

struct nftnl_expr;

namespace netfilter {

// payload: loads bytes of the packet.
struct Payload {
    static constexpr const char* name = "payload";
    enum class Base : std::uint32_t { link = 0, network = 1, transport = 2 };

    Base base = Base::network;
    std::uint32_t offset = 0;  // bytes from the start of that header
    std::uint32_t size = 0;    // bytes
    std::uint32_t to = 1;      // register

    void encode(nftnl_expr* out) const;
    static std::optional<Payload> decode(const nftnl_expr* in);
    void print(Phrase& phrase) const;
    friend bool operator==(const Payload&, const Payload&) = default;
};

// The fields that our rules use.
[[nodiscard]] Payload ip_source(std::uint32_t to);
[[nodiscard]] Payload ip6_source(std::uint32_t to);
[[nodiscard]] Payload ip_destination(std::uint32_t to);
[[nodiscard]] Payload ip6_destination(std::uint32_t to);
[[nodiscard]] Payload destination_port(std::uint32_t to);
[[nodiscard]] Payload tcp_flags(std::uint32_t to);
// The type field of ICMP, and of ICMPv6.
[[nodiscard]] Payload icmp_type(std::uint32_t to);

// meta: loads what the kernel knows about a packet besides its bytes.
struct Meta {
    static constexpr const char* name = "meta";
    // The kernel's NFT_META_*; other values that the kernel may report stay numbers.
    enum class Key : std::uint32_t { mark = 3, input_name = 6, network_protocol = 15, transport_protocol = 16 };

    Key key = Key::mark;
    std::uint32_t to = 1;  // register

    void encode(nftnl_expr* out) const;
    static std::optional<Meta> decode(const nftnl_expr* in);
    void print(Phrase& phrase) const;
    friend bool operator==(const Meta&, const Meta&) = default;
};

// ct: loads what connection tracking knows about a packet's flow.
struct Conntrack {
    static constexpr const char* name = "ct";
    // NFT_CT_*. first_port: the destination port of the flow's first packet, before any translation, in both
    // directions.
    enum class Key : std::uint32_t { state = 0, status = 2, first_port = 12 };

    // NF_CT_STATE_INVALID_BIT, NF_CT_STATE_BIT
    static constexpr std::uint32_t state_invalid = 1;
    static constexpr std::uint32_t state_established = 2;
    static constexpr std::uint32_t state_related = 4;
    static constexpr std::uint32_t state_new = 8;

    static constexpr std::uint32_t status_dnat = 32;  // IPS_DST_NAT

    Key key = Key::state;
    std::uint32_t to = 1;  // register

    void encode(nftnl_expr* out) const;
    static std::optional<Conntrack> decode(const nftnl_expr* in);
    void print(Phrase& phrase) const;
    friend bool operator==(const Conntrack&, const Conntrack&) = default;
};

// fib: loads the routing table's view of a packet's address. Only the form "fib daddr type": whether a packet is for
// this machine, whatever its addresses.
struct Fib {
    static constexpr const char* name = "fib";
    static constexpr std::uint32_t local = 2;  // RTN_LOCAL

    std::uint32_t to = 1;  // register

    void encode(nftnl_expr* out) const;
    static std::optional<Fib> decode(const nftnl_expr* in);
    void print(Phrase& phrase) const;
    friend bool operator==(const Fib&, const Fib&) = default;
};

}  // namespace netfilter
