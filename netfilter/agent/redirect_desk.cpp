#include "netfilter/agent/redirect_desk.hpp"

#include <utility>

namespace netfilter {

core::Result<std::optional<RedirectState>> RedirectDesk::take(const wire::Request& request) {
    const auto order = inbox_.take(request);
    if (!order) {
        return tl::unexpected(order.error());
    }
    if (!*order) {
        return std::nullopt;
    }
    return put(**order).map([](RedirectState&& state) { return std::optional(std::move(state)); });
}

core::Result<RedirectState> RedirectDesk::put(const wire::RedirectOrder& order) {
    return allow_(order.redirects)
        .and_then([&] { return redirector_.put(order.redirects, order.forward); })
        .and_then([this](Before before) {
            return redirector_.counts().map([this, before](std::vector<RedirectCount> counts) {
                return RedirectState{before, redirector_.forwarded(), std::move(counts)};
            });
        });
}

}  // namespace netfilter
