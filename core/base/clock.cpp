#include "core/base/clock.hpp"

#include <time.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <thread>

namespace core::base {
namespace {

std::atomic<ClockSource*> source_in_use{nullptr};

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

Milliseconds waiting(Milliseconds duration) noexcept {
    ClockSource* const source = source_in_use.load();
    return source == nullptr ? duration : source->waiting(duration);
}

void sleep_for(Milliseconds duration) {
    std::this_thread::sleep_for(waiting(duration));
}

Milliseconds WallSteps::offset_now() noexcept {
    return wall_now().time_since_epoch() - BootClock::now().time_since_epoch();
}

Milliseconds WallSteps::take() noexcept {
    const Milliseconds offset = offset_now();
    const Milliseconds step = offset - offset_;
    if (std::chrono::abs(step) < least) {
        return {};
    }
    offset_ = offset;
    return step;
}

}  // namespace core::base
