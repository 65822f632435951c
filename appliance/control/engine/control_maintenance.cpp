// The maintenance page, by hand.
#include <nlohmann/json.hpp>

#include "appliance/control/engine/control.hpp"
#include "appliance/control/observe/views.hpp"

namespace appliance::control {

Control::Json Control::maintenance() {
    const nlohmann::json seen = report();
    const State now = state();
    return view_maintenance(*now.config, *now.administration, seen);
}

Outcome<Control::Json> Control::set_maintenance(const MaintenanceOrder& order) {
    await_fences(Clock::now() + start_wait);  // see fence()
    {
        const std::lock_guard lock(changing_);
        const State now = state();
        const auto pools = find_pools(*now.config, order.pool);
        if (!pools) {
            return tl::unexpected(pools.error());
        }
        if (auto known = order.on ? Outcome<void>() : state_is_known("the page was not taken off"); !known) {
            return tl::unexpected(std::move(known.error()));
        }
        Administration next = *now.administration;
        for (const std::string& pool : *pools) {
            if (order.on) {
                next.maintenance[pool] = {pool,      order.message,          order.who,
                                          order.why, core::base::wall_now(), order.until};
            } else {
                next.maintenance.erase(pool);
            }
        }
        keeper_.keep(next);
        publish(std::move(next));
        if (auto told = administer(); !told) {
            const Administration& before = *now.administration;
            take_back(before, {});
            return refuse(std::move(told.error()));
        }
        for (const std::string& pool : *pools) {
            log("maintenance", {{"pool", pool}, {"on", order.on}, {"who", order.who}, {"why", order.why}});
        }
    }
    return maintenance();
}

}  // namespace appliance::control
