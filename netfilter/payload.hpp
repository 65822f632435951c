// payload: loads bytes of the packet.
#pragma once

#include <cstdint>
#include <optional>

#include "netfilter/phrase.hpp"

struct nftnl_expr;

namespace netfilter {

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

// The fields that our rules look at.
[[nodiscard]] Payload ip_source(std::uint32_t to);
[[nodiscard]] Payload ip6_source(std::uint32_t to);
[[nodiscard]] Payload ip_destination(std::uint32_t to);
[[nodiscard]] Payload ip6_destination(std::uint32_t to);
[[nodiscard]] Payload destination_port(std::uint32_t to);
[[nodiscard]] Payload tcp_flags(std::uint32_t to);
// Of ICMP and of ICMPv6.
[[nodiscard]] Payload icmp_type(std::uint32_t to);

}  // namespace netfilter
