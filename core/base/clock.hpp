// Clocks. The wall clock names times of day and may be set at any moment. The boot clock (CLOCK_BOOTTIME) measures how
// long something lasts: nothing sets it, and it goes on while the machine is suspended. Any thread may read both.
#pragma once

#include <chrono>
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

// Sleeps for a time of the boot clock.
void sleep_for(Milliseconds duration);
// How long a wait of this length on a condition variable is to be; another length only under a test's clock.
Milliseconds waiting(Milliseconds duration) noexcept;

// Tells how far the wall clock has been set, apart from its ordinary gait. Not thread safe.
class WallSteps {
public:
    // Smaller steps wait until they add up to this; NTP slews the clock by less than it in 15 minutes.
    static constexpr Milliseconds least{500};

    // Since the last call that did not return 0, or since construction. Positive: the clock was set forward.
    Milliseconds take() noexcept;

private:
    Milliseconds offset_ = offset_now();
    static Milliseconds offset_now() noexcept;
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
    // See waiting().
    virtual Milliseconds waiting(Milliseconds duration) noexcept = 0;
};
// The source outlives its use. nullptr: the kernel's clocks again.
void set_clock_source(ClockSource* source) noexcept;

}  // namespace core::base

namespace core {
using base::BootClock;
using base::BootTime;
}  // namespace core
