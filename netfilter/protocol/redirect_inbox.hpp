// RedirectInbox: reassembles one order of redirects from its packets.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "netfilter/protocol/redirect_protocol.hpp"

namespace netfilter {

class RedirectInbox {
public:
    // Takes one packet. Empty: more packets with the same id follow. A new id begins a new order, because its sender
    // has abandoned the old one. Errors: too many backends, or a field that no client produces.
    core::Result<std::optional<wire::RedirectOrder>> take(const wire::Request& request);

private:
    static constexpr std::size_t items_max = 1 + redirects_max * (1 + Redirect::backends_max);

    std::optional<std::uint64_t> id_;
    std::vector<wire::RedirectItem> items_;
};

}  // namespace netfilter
