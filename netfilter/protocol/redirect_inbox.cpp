#include "netfilter/protocol/redirect_inbox.hpp"

#include <utility>

namespace netfilter {

core::Result<std::optional<wire::RedirectOrder>> RedirectInbox::take(const wire::Request& request) {
    if (id_ != request.id) {
        id_ = request.id;
        items_.clear();
    }
    // Keeps one item more than allowed, so that the excess is seen at the end.
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
    return wire::unpack_redirects(items).map(
        [](wire::RedirectOrder&& order) { return std::optional(std::move(order)); });
}

}  // namespace netfilter
