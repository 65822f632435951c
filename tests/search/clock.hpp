// SearchClock: time that runs faster than the kernel's, jumps when a step says so, and whose wall clock may be set.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>

#include "core/base/clock.hpp"

namespace tests::search {

class SearchClock final : public core::base::ClockSource {
public:
    // pace: virtual milliseconds for each real one.
    explicit SearchClock(unsigned pace) : pace_(pace) { core::base::set_clock_source(this); }
    ~SearchClock() override { core::base::set_clock_source(nullptr); }

    core::WallTime wall() noexcept override {
        return core::WallTime(boot().time_since_epoch() + core::Milliseconds(wall_ahead_.load()));
    }
    core::BootTime boot() noexcept override {
        using std::chrono::duration_cast;
        const auto real = duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - started_);
        return core::BootTime(duration_cast<core::Milliseconds>(real * pace_) + core::Milliseconds(jumped_.load()));
    }
    // At least a millisecond: a wait of nothing would be a busy loop.
    core::Milliseconds waiting(core::Milliseconds duration) noexcept override {
        return duration.count() <= 0 ? duration : std::max(duration / pace_, core::Milliseconds(1));
    }

    void pass(core::Milliseconds time) noexcept { jumped_ += time.count(); }
    void set_wall(core::Milliseconds step) noexcept { wall_ahead_ += step.count(); }
    // The wall clock as when it was made.
    void right_wall() noexcept { wall_ahead_ = wall_base; }
    [[nodiscard]] unsigned pace() const noexcept { return static_cast<unsigned>(pace_); }

private:
    static constexpr std::int64_t wall_base = 1'790'000'000'000;  // of the year 2026
    const std::int64_t pace_;
    const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
    std::atomic<std::int64_t> jumped_{60'000};
    std::atomic<std::int64_t> wall_ahead_{wall_base};
};

}  // namespace tests::search
