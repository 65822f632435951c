// KernelSync: the agreement of store and kernel about fences, at the start and whenever another program changes our
// table; and what `rules` shows of it.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "appliance/control/model/drift.hpp"
#include "appliance/control/sync/control_state.hpp"
#include "appliance/control/sync/fence_commits.hpp"
#include "appliance/control/sync/firewall.hpp"
#include "appliance/control/sync/proxy_sync.hpp"

namespace appliance::control {

class KernelSync {
public:
    using Json = ControlState::Json;
    using Clock = ControlState::Clock;

    // All outlive it.
    KernelSync(ControlState& shared, ProxySync& proxy_sync, FenceCommits& commits, Firewall& firewall)
        : shared_(shared), proxy_sync_(proxy_sync), commits_(commits), firewall_(firewall) {}

    // The main loop's. None of them waits for an order.
    //
    // A fence process has started: what the kernel holds is looked at again.
    void look_again();
    // Answers what the fence process has announced.
    void mend(Clock::time_point now);
    // Compares where that is due.
    void tick(Clock::time_point now);
    [[nodiscard]] Clock::time_point due() const noexcept { return due_; }

    // What the kernel holds where no server is any more goes with the next comparison. Under ControlState::changing.
    void withdraw_left(const Administration& before, std::span<const netfilter::Change> moves);

    // GET /v1/rules. Any thread. Errors: the fence process's.
    Outcome<Json> rules();
    // The same, when the fences or what is wanted of them differ from the revision `seen`, or after patience.
    Outcome<Json> watch_rules(std::uint64_t seen, core::Milliseconds patience);
    Outcome<std::string> rules_text();

private:
    // Returns what differed.
    core::Result<Differing> reconcile();
    core::Milliseconds compare();
    Administration follow_kernel(Administration stored, std::span<const netfilter::Fence> kernel);

    ControlState& shared_;
    ProxySync& proxy_sync_;
    FenceCommits& commits_;
    Firewall& firewall_;                                  // guarded by ControlState::changing, like the next one
    std::map<core::Address, FenceRecord> left_at_start_;  // what the store held where the file has no server any more
    Clock::time_point due_{};                             // the main loop's
};

}  // namespace appliance::control
