// Clocks. The wall clock tells the time of day and may be set at any moment. The boot clock (CLOCK_BOOTTIME) measures
// durations: it is never set, and it runs while the machine is suspended. Any thread may read both.
#pragma once

#include <poll.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>

#include "core/base/duration.hpp"

namespace core::base {

// Counts from the start of the machine. Satisfies the standard's Clock requirements.
struct BootClock {
    using duration = Milliseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<BootClock>;
    static constexpr bool is_steady = true;
    static time_point now() noexcept;
};
using BootTime = BootClock::time_point;

// The random id of this boot (/proc/sys/kernel/random/boot_id). Boot times are comparable only where their ids are
// equal. Read once, at the first call; a process that will lose access to files calls it before. Empty where the kernel
// does not tell.
std::string boot_id();

// Waits on the boot clock. Under a test's clock, that clock ends them.
void sleep_for(Milliseconds duration);
// As std::condition_variable::wait_for(): may return spuriously. The caller holds the lock.
std::cv_status wait_for(std::condition_variable& condition, std::unique_lock<std::mutex>& lock, Milliseconds duration);
// Returns the last result of ready(); false only after the whole duration.
template <typename Ready>
bool wait_for(std::condition_variable& condition, std::unique_lock<std::mutex>& lock, Milliseconds duration,
              Ready ready) {
    const BootTime begun = BootClock::now();
    while (!ready()) {
        const Milliseconds left = duration - (BootClock::now() - begun);
        if (left <= Milliseconds{0} || wait_for(condition, lock, left) == std::cv_status::timeout) {
            return ready();
        }
    }
    return true;
}
// As poll(2) of one entry, which it fills in. A duration of 0 or less only looks.
int poll_for(pollfd& entry, Milliseconds duration);

// How far the wall clock is ahead of the boot clock now. Every process of the machine finds the same.
[[nodiscard]] Milliseconds wall_offset() noexcept;

// Measures how far the wall clock has been set, apart from its normal running. Not thread safe.
class WallSteps {
public:
    // Smaller steps add up until they reach this. NTP slews the clock by less than it in 15 minutes.
    static constexpr Milliseconds least{500};

    // The step since the last call that did not return 0, or since construction. Positive: the clock was set forward.
    Milliseconds take() noexcept;
    // How far the wall clock is ahead of the boot clock, without steps that take() has yet to return.
    [[nodiscard]] Milliseconds offset() const noexcept { return offset_; }
    // The wall clock's time without those steps. An end that follows the steps is compared with this.
    [[nodiscard]] WallTime now() const noexcept { return WallTime(BootClock::now().time_since_epoch() + offset_); }

private:
    Milliseconds offset_ = wall_offset();
};

// Replaces the kernel's clocks in a test, for the whole process.
class ClockSource {
public:
    ClockSource() = default;
    ClockSource(const ClockSource&) = delete;
    ClockSource& operator=(const ClockSource&) = delete;
    virtual ~ClockSource() = default;
    virtual WallTime wall() noexcept = 0;
    virtual BootTime boot() noexcept = 0;
    // Implements wait_for() and poll_for(); by the kernel's clock unless overridden.
    virtual std::cv_status wait(std::condition_variable& condition, std::unique_lock<std::mutex>& lock,
                                Milliseconds duration);
    virtual int poll(pollfd& entry, Milliseconds duration);
};
// The source outlives its use. nullptr: the kernel's clocks again.
void set_clock_source(ClockSource* source) noexcept;

}  // namespace core::base

namespace core {
using base::BootClock;
using base::BootTime;
}  // namespace core
