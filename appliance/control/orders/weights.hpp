// Weights by hand: how much of a pool's traffic a server gets, until it is reset.
#pragma once

#include <nlohmann/json.hpp>

#include "appliance/control/model/order.hpp"
#include "appliance/control/sync/control_state.hpp"
#include "appliance/control/sync/fence_commits.hpp"
#include "appliance/control/sync/proxy_sync.hpp"

namespace appliance::control {

// Any thread.
class Weights {
public:
    using Json = ControlState::Json;
    using Clock = ControlState::Clock;

    // All outlive it.
    Weights(ControlState& shared, ProxySync& proxy_sync, FenceCommits& commits)
        : shared_(shared), proxy_sync_(proxy_sync), commits_(commits) {}

    // In the proxy, or in the kernel's slots, when it returns. Holds ControlState::changing. Errors: 404, an unknown
    // server or pool; 503, the disk does not take it; the proxy does not, and nothing has changed.
    Outcome<Json> set(const WeightOrder& order);

private:
    ControlState& shared_;
    ProxySync& proxy_sync_;
    FenceCommits& commits_;
};

}  // namespace appliance::control
