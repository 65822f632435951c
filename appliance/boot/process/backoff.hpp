// Backoff: when a dead child is started again. Pure; the supervisor asks it.
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
    // The child has died: how long to wait. Nothing for the first times, since visitors wait with us; then ever longer,
    // so that a child that cannot live does not eat the machine. A child that lived for forgiven_after counts as new.
    core::Milliseconds died(Clock::time_point now) noexcept;

private:
    Clock::time_point started_{};
    unsigned deaths_ = 0;
};

}  // namespace appliance::boot
