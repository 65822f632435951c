// Maintenance: the page, by hand.
#pragma once

#include <nlohmann/json.hpp>

#include "appliance/control/model/order.hpp"
#include "appliance/control/sync/control_state.hpp"
#include "appliance/control/sync/fence_commits.hpp"
#include "appliance/control/sync/proxy_sync.hpp"

namespace appliance::control {

// Any thread.
class Maintenance {
public:
    using Json = ControlState::Json;
    using Clock = ControlState::Clock;

    // All outlive it.
    Maintenance(ControlState& shared, ProxySync& proxy_sync, FenceCommits& commits)
        : shared_(shared), proxy_sync_(proxy_sync), commits_(commits) {}

    [[nodiscard]] Json view();
    // Holds ControlState::changing. Errors: 404, an unknown pool; 503, a page is not taken off while the state folder
    // cannot be read; the proxy does not take it, and nothing has changed.
    Outcome<Json> set(const MaintenanceOrder& order);

private:
    ControlState& shared_;
    ProxySync& proxy_sync_;
    FenceCommits& commits_;
};

}  // namespace appliance::control
