#include "appliance/boot/process/backoff.hpp"

#include <algorithm>

namespace appliance::boot {

core::Milliseconds Backoff::died(Clock::time_point now) noexcept {
    deaths_ = now - started_ >= forgiven_after ? 1 : deaths_ + 1;
    if (deaths_ <= free_restarts) {
        return core::Milliseconds{0};
    }
    const unsigned doublings = std::min(deaths_ - free_restarts - 1, 10U);
    return std::min(delay_min * (1U << doublings), delay_max);
}

}  // namespace appliance::boot
