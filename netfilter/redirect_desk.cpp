#include "netfilter/redirect_desk.hpp"

#include <utility>

namespace netfilter {

core::Result<std::optional<RedirectState>> RedirectDesk::take(const wire::Request& request) {
    if (id_ != request.id) {
        id_ = request.id;
        items_.clear();
    }
    // One more than fits is kept, so that what is too much is seen at the end.
    for (const auto& item : wire::take_items(request)) {
        if (items_.size() <= items_max) {
            items_.push_back(item);
        }
    }
    if (request.last == 0) {
        return std::nullopt;
    }
    id_.reset();
    const auto items = std::exchange(items_, {});
    if (items.size() > items_max) {
        return core::fail("invalid redirect", "too many backends at once");
    }
    return wire::unpack_redirects(items)
        .and_then([this](const wire::RedirectOrder& order) { return redirector_.put(order.redirects, order.forward); })
        .and_then([this](Before before) {
            return redirector_.counts().map([this, before](std::vector<RedirectCount> counts) {
                return std::optional(RedirectState{before, redirector_.forwarded(), std::move(counts)});
            });
        });
}

}  // namespace netfilter
