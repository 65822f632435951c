#include "appliance/control/orders/weights.hpp"

#include <algorithm>
#include <utility>

#include "appliance/control/model/targets.hpp"

namespace appliance::control {

Outcome<Weights::Json> Weights::set(const WeightOrder& order) {
    shared_.await_fences(Clock::now() + ControlState::start_wait);  // see Fences
    const std::lock_guard lock(shared_.changing);
    const Wanted now = shared_.wanted();
    const auto targets = find_targets(*now.config, order.servers, order.pool);
    if (!targets) {
        return tl::unexpected(targets.error());
    }
    Administration next = *now.administration;
    for (const Target& target : *targets) {
        if (order.weight) {
            next.weights[{target.pool, target.server}] = {target.pool, target.server, *order.weight,
                                                          order.who,   order.why,     core::base::wall_now()};
        } else {
            next.weights.erase({target.pool, target.server});
        }
    }
    if (auto kept = shared_.keeper.save(next); !kept) {
        return refuse(503, {"no weight was changed", kept.error().line(),
                            "gatehouse status shows the state folder; fences and the page still work", 0});
    }
    shared_.publish(next);
    if (auto told = proxy_sync_.administer(); !told) {
        commits_.take_back(*now.administration, {});
        return refuse(std::move(told.error()));
    }
    Json weights = Json::array();
    for (const Target& target : *targets) {
        const config::Pool& pool = *now.config->pool(target.pool);
        const auto backend = std::find_if(pool.backends.begin(), pool.backends.end(),
                                          [&](const auto& candidate) { return candidate.server == target.server; });
        weights.push_back({{"pool", target.pool},
                           {"server", target.server},
                           {"weight", weight_of(next, pool, *backend)},
                           {"by_hand", order.weight.has_value()}});
        Json event = weights.back();
        event["who"] = order.who;
        event["why"] = order.why;
        shared_.log("weight", event);
    }
    return Json{{"weights", std::move(weights)}};
}

}  // namespace appliance::control
