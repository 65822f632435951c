// Expressions that decide what happens to a packet.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "netfilter/expression/phrase.hpp"

struct nftnl_expr;

namespace netfilter {

// immediate: a verdict, as the end of a rule or as the value of a map's element.
struct Verdict {
    static constexpr const char* name = "immediate";
    // The kernel's NF_* and NFT_* verdicts. proceed is nft's "continue": evaluation continues behind the map.
    enum class Code : std::int32_t { drop = 0, accept = 1, proceed = -1, jump = -3, go_to = -4, back = -5 };

    Code code = Code::drop;
    std::string chain;  // of jump and go_to

    void encode(nftnl_expr* out) const;
    static std::optional<Verdict> decode(const nftnl_expr* in);
    void print(Phrase& phrase) const;
    // "drop", "return", "goto deny-reset".
    [[nodiscard]] std::string text() const;
    friend bool operator==(const Verdict&, const Verdict&) = default;
};

// reject: drops the packet and tells its sender.
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

// nat and masq give a new connection another destination, or this machine's own address as its source. Connection
// tracking translates the rest of the connection, both ways. Only for destinations, and only with address and port in
// registers.
struct Nat {
    static constexpr const char* name = "nat";

    bool v4 = true;
    std::uint32_t address_from = 1;
    std::uint32_t port_from = 9;

    void encode(nftnl_expr* out) const;
    static std::optional<Nat> decode(const nftnl_expr* in);
    void print(Phrase& phrase) const;
    friend bool operator==(const Nat&, const Nat&) = default;
};

struct Masquerade {
    static constexpr const char* name = "masq";

    void encode(nftnl_expr* /*out*/) const {}
    static std::optional<Masquerade> decode(const nftnl_expr* in);
    void print(Phrase& phrase) const { phrase.say("masquerade"); }
    friend bool operator==(const Masquerade&, const Masquerade&) = default;
};

}  // namespace netfilter
