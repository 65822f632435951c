// Clocks. The wall clock names times of day and may be set at any moment. The boot clock (CLOCK_BOOTTIME) measures how
// long something lasts: nothing sets it, and it goes on while the machine is suspended. Any thread may read both.
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

// The random id of this start of the machine (/proc/sys/kernel/random/boot_id). Two boot times compare only where their
// ids are equal. Read once, at the first call: a process that may open no file later calls it before. Empty where the
// kernel does not tell.
std::string boot_id();

// Waits of the boot clock. Under a test's clock it is that clock that ends them.
void sleep_for(Milliseconds duration);
// As std::condition_variable::wait_for(): may also return without reason. The caller holds the lock.
std::cv_status wait_for(std::condition_variable& condition, std::unique_lock<std::mutex>& lock, Milliseconds duration);
// Returns what ready() says at the end; false only after the whole duration.
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

// Tells how far the wall clock has been set, apart from its ordinary gait. Not thread safe.
class WallSteps {
public:
    // Smaller steps wait until they add up to this; NTP slews the clock by less than it in 15 minutes.
    static constexpr Milliseconds least{500};

    // Since the last call that did not return 0, or since construction. Positive: the clock was set forward.
    Milliseconds take() noexcept;
    // How far the wall clock is ahead of the boot clock without the steps that were not taken yet.
    [[nodiscard]] Milliseconds offset() const noexcept { return offset_; }
    // What the wall clock shows without them: an end that follows the steps is compared with this.
    [[nodiscard]] WallTime now() const noexcept { return WallTime(BootClock::now().time_since_epoch() + offset_); }

private:
    Milliseconds offset_ = wall_offset();
};

// What stands in for the kernel's clocks in a test, for the whole process.
class ClockSource {
public:
    ClockSource() = default;
    ClockSource(const ClockSource&) = delete;
    ClockSource& operator=(const ClockSource&) = delete;
    virtual ~ClockSource() = default;
    virtual WallTime wall() noexcept = 0;
    virtual BootTime boot() noexcept = 0;
    // What wait_for() and poll_for() do; by the kernel's clock unless a source knows better.
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
