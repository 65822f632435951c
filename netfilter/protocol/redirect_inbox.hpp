// RedirectInbox: puts the packets of one order of redirects together again.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "netfilter/protocol/redirect_protocol.hpp"

namespace netfilter {

class RedirectInbox {
public:
    // One packet. Nothing: more of the same id is to come. A new id begins anew: its sender gave the old one up.
    // Errors: too many backends, or a field that no client sends so.
    core::Result<std::optional<wire::RedirectOrder>> take(const wire::Request& request);

private:
    static constexpr std::size_t items_max = 1 + redirects_max * (1 + Redirect::backends_max);

    std::optional<std::uint64_t> id_;
    std::vector<wire::RedirectItem> items_;
};

}  // namespace netfilter
