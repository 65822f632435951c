// FirstStart: when a daemon that has never served gives up. Some reasons are permanent: no io_uring, no nftables, a
// user that it cannot become. Then the daemon must end with that reason, or visitors would wait for ever in its
// sockets' queues. Once it has served, it never gives up. Pure; used by the supervisor.
#pragma once

#include <array>
#include <chrono>
#include <optional>

#include "appliance/boot/confine/role.hpp"

namespace appliance::boot {

class FirstStart {
public:
    using Clock = std::chrono::steady_clock;

    // Of one process. The first ones are started again at once (Backoff::free_restarts).
    static constexpr unsigned deaths_max = 3;
    // From the first process to the first configuration in the proxy.
    static constexpr std::chrono::seconds time_limit{60};

    // The processes are being started for the first time.
    void begin(Clock::time_point now) noexcept { end_by_ = now + time_limit; }
    // It serves, or is about to end.
    void end() noexcept { end_by_.reset(); }
    [[nodiscard]] bool under_way() const noexcept { return end_by_.has_value(); }

    // Notes the end of that process. True: give up.
    bool died(Role role) noexcept { return under_way() && ++deaths_[static_cast<std::size_t>(role)] >= deaths_max; }
    // The deadline for the first start; none: never.
    [[nodiscard]] std::optional<Clock::time_point> end_by() const noexcept { return end_by_; }

private:
    std::optional<Clock::time_point> end_by_;
    std::array<unsigned, 3> deaths_{};  // by role
};

}  // namespace appliance::boot
