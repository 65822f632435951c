// RedirectDesk: takes control's packets about redirects in the fence process, and passes allowed ones to the
// Redirector.
#pragma once

#include <functional>
#include <optional>
#include <span>

#include "netfilter/protocol/redirect_inbox.hpp"
#include "netfilter/redirect/redirector.hpp"

namespace netfilter {

// Whether these redirects may be made; in the product RedirectGate::pass. Error: which one not, and why.
using AllowRedirects = std::function<core::Result<void>(std::span<const Redirect>)>;

class RedirectDesk {
public:
    // Both outlive it. One thread.
    RedirectDesk(Kernel& kernel, const AllowRedirects& allow) : redirector_(kernel), allow_(allow) {}

    // Takes one packet. Empty: more packets with the same id follow. After the last one: the state found. Errors: see
    // RedirectInbox::take, `allow` and Redirector::put; the old table stays then.
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
