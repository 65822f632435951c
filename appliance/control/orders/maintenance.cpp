#include "appliance/control/orders/maintenance.hpp"

#include <utility>

#include "appliance/control/model/targets.hpp"
#include "appliance/control/observe/views.hpp"

namespace appliance::control {

Maintenance::Json Maintenance::view() {
    const nlohmann::json seen = shared_.report();
    const Wanted now = shared_.wanted();
    return view_maintenance(*now.config, *now.administration, seen);
}

Outcome<Maintenance::Json> Maintenance::set(const MaintenanceOrder& order) {
    shared_.await_fences(Clock::now() + ControlState::start_wait);  // see Fences
    {
        const std::lock_guard lock(shared_.changing);
        const Wanted now = shared_.wanted();
        const auto pools = find_pools(*now.config, order.pool);
        if (!pools) {
            return tl::unexpected(pools.error());
        }
        if (auto known = order.on ? Outcome<void>() : shared_.state_is_known("the page was not taken off"); !known) {
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
        shared_.keeper.keep(next);
        shared_.publish(std::move(next));
        if (auto told = proxy_sync_.administer(); !told) {
            const Administration& before = *now.administration;
            commits_.take_back(before, {});
            return refuse(std::move(told.error()));
        }
        for (const std::string& pool : *pools) {
            shared_.log("maintenance", {{"pool", pool}, {"on", order.on}, {"who", order.who}, {"why", order.why}});
        }
    }
    return view();
}

}  // namespace appliance::control
