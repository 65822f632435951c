#include "core/base/clock.hpp"

#include <time.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <fstream>

namespace core::base {
namespace {

std::atomic<ClockSource*> source_in_use{nullptr};
// A longer wait ends early, as a spurious wake-up: its sum with the present must not overflow.
constexpr Milliseconds wait_max{24 * 3'600'000};

int poll_really(pollfd& entry, Milliseconds duration) {
    return ::poll(&entry, 1, static_cast<int>(std::clamp(duration, Milliseconds{0}, wait_max).count()));
}

}  // namespace

void set_clock_source(ClockSource* source) noexcept {
    source_in_use.store(source);
}

WallTime wall_now() noexcept {
    if (ClockSource* const source = source_in_use.load()) {
        return source->wall();
    }
    return std::chrono::floor<Milliseconds>(std::chrono::system_clock::now());
}

BootClock::time_point BootClock::now() noexcept {
    if (ClockSource* const source = source_in_use.load()) {
        return source->boot();
    }
    timespec time{};
    ::clock_gettime(CLOCK_BOOTTIME, &time);
    return time_point(
        std::chrono::floor<Milliseconds>(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec)));
}

std::string boot_id() {
    static const std::string id = [] {
        std::string read;
        std::ifstream("/proc/sys/kernel/random/boot_id") >> read;
        return read;
    }();
    return id;
}

std::cv_status wait_for(std::condition_variable& condition, std::unique_lock<std::mutex>& lock, Milliseconds duration) {
    ClockSource* const source = source_in_use.load();
    return source == nullptr ? condition.wait_for(lock, std::min(duration, wait_max))
                             : source->wait(condition, lock, duration);
}

int poll_for(pollfd& entry, Milliseconds duration) {
    ClockSource* const source = source_in_use.load();
    return source == nullptr || duration <= Milliseconds{0} ? poll_really(entry, duration)
                                                            : source->poll(entry, duration);
}

void sleep_for(Milliseconds duration) {
    std::mutex nobody_else;
    std::condition_variable never;
    std::unique_lock lock(nobody_else);
    wait_for(never, lock, duration, [] { return false; });
}

std::cv_status ClockSource::wait(std::condition_variable& condition, std::unique_lock<std::mutex>& lock,
                                 Milliseconds duration) {
    return condition.wait_for(lock, std::min(duration, wait_max));
}

int ClockSource::poll(pollfd& entry, Milliseconds duration) {
    return poll_really(entry, duration);
}

Milliseconds wall_offset() noexcept {
    return wall_now().time_since_epoch() - BootClock::now().time_since_epoch();
}

Milliseconds WallSteps::take() noexcept {
    const Milliseconds offset = wall_offset();
    const Milliseconds step = offset - offset_;
    if (std::chrono::abs(step) < least) {
        return {};
    }
    offset_ = offset;
    return step;
}

}  // namespace core::base
