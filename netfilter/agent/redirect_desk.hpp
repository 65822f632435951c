// RedirectDesk: takes control's packets about redirects in the fence process, and has the Redirector carry out what
// is allowed.
#pragma once

#include <functional>
#include <optional>
#include <span>

#include "netfilter/protocol/redirect_inbox.hpp"
#include "netfilter/redirect/redirector.hpp"

namespace netfilter {

// Says whether these may be made: for the product RedirectGate::pass. Error: which not, and why.
using AllowRedirects = std::function<core::Result<void>(std::span<const Redirect>)>;

class RedirectDesk {
public:
    // Both outlive it. One thread.
    RedirectDesk(Kernel& kernel, const AllowRedirects& allow) : redirector_(kernel), allow_(allow) {}

    // One packet. Nothing: more of the same id is to come. With the last one: what was found. Errors: see
    // RedirectInbox::take, what is not allowed, and Redirector::put; the old table stands then.
    core::Result<std::optional<RedirectState>> take(const wire::Request& request);

    // See Redirector::repair.
    core::Result<void> repair() { return redirector_.repair(); }
    // See Redirector::text.
    core::Result<std::string> text() { return redirector_.text(); }

private:
    core::Result<RedirectState> put(const wire::RedirectOrder& order);

    Redirector redirector_;
    const AllowRedirects& allow_;
    RedirectInbox inbox_;
};

}  // namespace netfilter
