// Unfences: orders that lift fences, and the commands of rollouts that run behind one, under which none is lifted.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "appliance/control/model/order.hpp"
#include "appliance/control/orders/fence_waits.hpp"
#include "appliance/control/sync/control_state.hpp"
#include "appliance/control/sync/fence_commits.hpp"
#include "appliance/control/sync/proxy_sync.hpp"

namespace appliance::control {

// Any thread. An order holds ControlState::changing from its look at what stands until that is lifted. It does not hold
// it while it waits for a command or a check.
class Unfences {
public:
    using Json = ControlState::Json;

    static constexpr core::Milliseconds command_wait{60'000};

    // All outlive it.
    Unfences(ControlState& shared, ProxySync& proxy_sync, FenceCommits& commits, FenceWaits& waits)
        : shared_(shared), proxy_sync_(proxy_sync), commits_(commits), waits_(waits) {}

    // Waits first, for command_wait at most, until no rollout's command runs there (504: nothing is lifted). With wait,
    // returns when a check of each backend has passed since (504 at the deadline; the fences are lifted; 409 where one
    // was fenced again).
    Outcome<Json> unfence(const UnfenceOrder& order);
    // A rollout's command begins behind its fence. 409: the fence is not the rollout's any more, or is about to be
    // lifted. Asks no other process, and takes no lock of changes.
    Outcome<void> begin_command(std::int64_t rollout, const std::string& pool, const std::string& server);
    void end_command(const std::string& pool, const std::string& server);

private:
    // What an order has lifted.
    struct Lifted {
        std::size_t fences = 0;
        std::vector<Target> targets;  // their checks may be waited for
        std::vector<std::string> notes;
    };
    // Waits for the commands of rollouts that run behind the fences.
    Outcome<Lifted> lift_meant(const UnfenceOrder& order);
    // Under ControlState::changing.
    Outcome<void> lift(const UnfenceOrder& order, const std::set<core::Address>& addresses,
                       std::vector<std::string>& notes);
    core::Result<void> commit_lift(Administration next, const UnfenceOrder& order,
                                   const std::set<core::Address>& addresses);

    ControlState& shared_;
    ProxySync& proxy_sync_;
    FenceCommits& commits_;
    FenceWaits& waits_;
};

}  // namespace appliance::control
