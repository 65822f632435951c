// RedirectSync: pools with plane = "kernel". The kernel is told which backends are eligible whenever a check, a fence
// or the configuration changes that. The fence process puts right at once what another program did to its table; a look
// twice a second tells of it, and finds what was not announced.
#pragma once

#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "appliance/control/sync/control_state.hpp"
#include "netfilter/model/redirect.hpp"

namespace appliance::control {

class RedirectSync {
public:
    using Json = ControlState::Json;
    using Clock = ControlState::Clock;

    // shared outlives it.
    explicit RedirectSync(ControlState& shared) : shared_(shared) {}

    // Called after every change of what is wanted and before it counts as made; any thread, with or without
    // ControlState::changing. Errors: the fence process's; it is away (os_error EPIPE).
    core::Result<void> update();
    // "redirects" and what is in flight there, into GET /v1/status. Changes nothing. Any thread.
    void show(Json& view);

    // The main loop's.
    void tick(Clock::time_point now);
    [[nodiscard]] Clock::time_point due() const noexcept { return due_; }
    // Gatehouse stops, and not this process alone: switches off the forwarding that it has switched on.
    void finish();

private:
    bool differ();
    void note_forwarding(const netfilter::Forwarded& forwarded);

    ControlState& shared_;
    std::mutex mutex_;  // from the look at what is wanted to the kernel's answer; taken after ControlState::changing
    // Guarded by mutex_.
    nlohmann::json health_;                                      // the last report about backends
    std::optional<std::vector<netfilter::Redirect>> redirects_;  // in the kernel; unknown: what an earlier run left
    std::vector<netfilter::RedirectCount> counts_;
    netfilter::Forwarded forwarded_;
    // The main loop's.
    Clock::time_point due_{};
    Clock::time_point look_at_{};
};

}  // namespace appliance::control
