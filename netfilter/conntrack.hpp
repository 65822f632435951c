// ct: loads what connection tracking knows about a packet's flow.
#pragma once

#include <cstdint>
#include <optional>

#include "netfilter/phrase.hpp"

struct nftnl_expr;

namespace netfilter {

struct Conntrack {
    static constexpr const char* name = "ct";
    // NFT_CT_*. first_port: where the first packet of the flow was sent to, before any translation, in both directions.
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

}  // namespace netfilter
