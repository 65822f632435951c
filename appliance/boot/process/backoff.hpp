// Backoff: when a dead child is started again. Pure; used by the supervisor.
#pragma once

#include <chrono>

#include "core/base/duration.hpp"

namespace appliance::boot {

class Backoff {
public:
    using Clock = std::chrono::steady_clock;

    static constexpr unsigned free_restarts = 3;
    static constexpr core::Milliseconds delay_min{100};
    static constexpr core::Milliseconds delay_max{5'000};
    static constexpr core::Milliseconds forgiven_after{10'000};

    // The child has started.
    void started(Clock::time_point now) noexcept { started_ = now; }
    // The child has died: how long to wait. The first restarts come at once, because visitors wait. Then the wait
    // grows, so that a child that always dies does not load the machine. A child that lived for forgiven_after counts
    // as new.
    core::Milliseconds died(Clock::time_point now) noexcept;

private:
    Clock::time_point started_{};
    unsigned deaths_ = 0;
};

}  // namespace appliance::boot
