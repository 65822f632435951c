// StateUpkeep: what happens to the administrative state by itself: it runs out, and is written again when the disk
// takes it. The main loop's, which does not wait for an order: an order may itself wait for a process that this loop
// greets.
#pragma once

#include "appliance/control/sync/control_state.hpp"
#include "appliance/control/sync/fence_commits.hpp"
#include "appliance/control/sync/kernel_sync.hpp"
#include "appliance/control/sync/proxy_sync.hpp"

namespace appliance::control {

class StateUpkeep {
public:
    using Clock = ControlState::Clock;

    // All outlive it.
    StateUpkeep(ControlState& shared, ProxySync& proxy_sync, FenceCommits& commits, KernelSync& kernel)
        : shared_(shared), proxy_sync_(proxy_sync), commits_(commits), kernel_(kernel) {}

    // Expired fences and pages go. Takes ControlState::changing, as keep() does.
    void expire();
    // Tries a disk in trouble again. Fences that the disk held and that could not be read are taken over then.
    void keep(Clock::time_point now);

private:
    ControlState& shared_;
    ProxySync& proxy_sync_;
    FenceCommits& commits_;
    KernelSync& kernel_;
    Clock::time_point keep_at_{};
};

}  // namespace appliance::control
