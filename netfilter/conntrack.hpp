// ct: loads what connection tracking knows about a packet's flow.
#pragma once

#include <cstdint>
#include <optional>

#include "netfilter/phrase.hpp"

struct nftnl_expr;

namespace netfilter {

struct Conntrack {
    static constexpr const char* name = "ct";
    enum class Key : std::uint32_t { state = 0, status = 2 };  // NFT_CT_*

    static constexpr std::uint32_t state_new = 8;  // NF_CT_STATE_BIT(IP_CT_NEW)

    static constexpr std::uint32_t status_dnat = 32;  // IPS_DST_NAT

    Key key = Key::state;
    std::uint32_t to = 1;  // register

    void encode(nftnl_expr* out) const;
    static std::optional<Conntrack> decode(const nftnl_expr* in);
    void print(Phrase& phrase) const;
    friend bool operator==(const Conntrack&, const Conntrack&) = default;
};

}  // namespace netfilter
