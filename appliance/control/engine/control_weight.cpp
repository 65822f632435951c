// Weights by hand: how much of a pool's traffic a server gets, until it is reset.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "appliance/control/engine/control.hpp"

namespace appliance::control {

Outcome<Control::Json> Control::set_weight(const WeightOrder& order) {
    await_fences(Clock::now() + start_wait);  // see fence()
    const std::lock_guard lock(changing_);
    const State now = state();
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
    if (auto kept = keeper_.save(next); !kept) {
        return refuse(503, {"no weight was changed", kept.error().line(),
                            "gatehouse status shows the state folder; fences and the page still work", 0});
    }
    publish(next);
    if (auto told = administer(); !told) {
        take_back(*now.administration, {});
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
        log("weight", event);
    }
    return Json{{"weights", std::move(weights)}};
}

}  // namespace appliance::control
