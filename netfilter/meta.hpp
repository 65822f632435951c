// meta: loads something the kernel knows about a packet besides its bytes.
#pragma once

#include <cstdint>
#include <optional>

#include "netfilter/phrase.hpp"

struct nftnl_expr;

namespace netfilter {

struct Meta {
    static constexpr const char* name = "meta";
    // Values are the kernel's NFT_META_*; anything else the kernel may report stays a number.
    enum class Key : std::uint32_t { mark = 3, input_name = 6, network_protocol = 15, transport_protocol = 16 };

    Key key = Key::mark;
    std::uint32_t to = 1;  // register

    void encode(nftnl_expr* out) const;
    static std::optional<Meta> decode(const nftnl_expr* in);
    void print(Phrase& phrase) const;
    friend bool operator==(const Meta&, const Meta&) = default;
};

}  // namespace netfilter
