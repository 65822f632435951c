// Merges an "administer" order with the ones before: what it sets, and what it leaves as it was.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>

#include "appliance/boot/proxy/proxy_orders.hpp"

namespace appliance::boot {
namespace {

using nlohmann::json;

// A complete order: its result does not depend on the orders before.
bool says_all(const link::Message& message) {
    const json yes = true;
    return administers(message) && message.body.value("fences_known", json()) == yes &&
           message.body.value("state_known", json()) == yes;
}

}  // namespace

bool administers(const link::Message& message) {
    return message.body.value("type", json()) == "administer";
}

core::proxy::Administration complete(AdministerOrder order, const core::proxy::Administration& before) {
    core::proxy::Administration& next = order.administration;
    const auto keep = [](auto& named, const auto& all, const auto& place_of) {
        for (const auto& old : all) {
            if (std::none_of(named.begin(), named.end(),
                             [&](const auto& each) { return place_of(each) == place_of(old); })) {
                named.push_back(old);
            }
        }
    };
    const auto server_of = [](const auto& each) { return std::tie(each.pool, each.server); };
    if (!order.fences_known) {
        keep(next.fences, before.fences, server_of);
    }
    if (!order.state_known) {
        keep(next.maintenance, before.maintenance, [](const auto& each) { return std::tie(each.pool); });
        keep(next.weights, before.weights, server_of);
    }
    return std::move(next);
}

std::vector<bool> find_outdated(std::span<const link::Message> messages) {
    std::vector<bool> outdated(messages.size());
    bool later = false;
    for (std::size_t i = messages.size(); i-- > 0;) {
        outdated[i] = administers(messages[i]) && later;
        later = later || says_all(messages[i]);
    }
    return outdated;
}

}  // namespace appliance::boot
