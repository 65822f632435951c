// RedirectDesk: takes control's packets about redirects in the fence process, and has the Redirector carry them out.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "netfilter/redirect_protocol.hpp"
#include "netfilter/redirector.hpp"

namespace netfilter {

class RedirectDesk {
public:
    // The kernel outlives it. One thread.
    explicit RedirectDesk(Kernel& kernel) : redirector_(kernel) {}

    // One packet. Nothing: more of the same id is to come. With the last one: what was found. A new id begins anew: its
    // sender gave the old one up. Errors: see Redirector::put, and a field that no client sends so.
    core::Result<std::optional<RedirectState>> take(const wire::Request& request);

    // See Redirector::text.
    core::Result<std::string> text() { return redirector_.text(); }

private:
    static constexpr std::size_t items_max = 1 + redirects_max * (1 + Redirect::backends_max);

    Redirector redirector_;
    std::optional<std::uint64_t> id_;
    std::vector<wire::RedirectItem> items_;
};

}  // namespace netfilter
