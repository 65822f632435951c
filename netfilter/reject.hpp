// reject: drops the packet and tells its sender.
#pragma once

#include <cstdint>
#include <optional>

#include "netfilter/phrase.hpp"

struct nftnl_expr;

namespace netfilter {

struct Reject {
    static constexpr const char* name = "reject";
    // The kernel's NFT_REJECT_*: icmp codes of one family, a TCP reset, icmp codes of both families.
    enum class Kind : std::uint32_t { icmp = 0, tcp_reset = 1, icmpx = 2 };

    // The kernel's NFT_REJECT_ICMPX_*.
    static constexpr std::uint8_t port_unreachable = 1;
    static constexpr std::uint8_t admin_prohibited = 3;

    Kind kind = Kind::icmpx;
    std::uint8_t code = port_unreachable;

    void encode(nftnl_expr* out) const;
    static std::optional<Reject> decode(const nftnl_expr* in);
    void print(Phrase& phrase) const;
    friend bool operator==(const Reject&, const Reject&) = default;
};

}  // namespace netfilter
