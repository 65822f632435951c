// SetClock: the wall clock and the boot clock of a test. They stand still or run, and jump when the test lets time pass
// or sets them.
#pragma once

#include <atomic>

#include "core/base/clock.hpp"

namespace tests::support {

class SetClock final : public core::base::ClockSource {
public:
    enum class Gait { stands, goes };
    explicit SetClock(Gait gait = Gait::stands) : gait_(gait) { core::base::set_clock_source(this); }
    ~SetClock() override { core::base::set_clock_source(nullptr); }
    core::WallTime wall() noexcept override { return begin_wall_ + passed() + set_.load(); }
    core::BootTime boot() noexcept override { return begin_boot_ + passed(); }
    std::cv_status wait(std::condition_variable& condition, std::unique_lock<std::mutex>& lock,
                        core::Milliseconds duration) override {
        return ClockSource::wait(condition, lock, gait_ == Gait::goes ? duration : duration / 100);
    }
    void pass(core::Milliseconds time) { passed_ = passed_.load() + time; }
    void set(core::Milliseconds by) { set_ = set_.load() + by; }

private:
    [[nodiscard]] core::Milliseconds passed() const {
        const auto gone = std::chrono::steady_clock::now() - begun_;
        return passed_.load() +
               (gait_ == Gait::goes ? std::chrono::floor<core::Milliseconds>(gone) : core::Milliseconds{});
    }

    const Gait gait_;
    const std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
    const core::WallTime begin_wall_{core::Milliseconds(1'764'000'000'000)};
    const core::BootTime begin_boot_{core::Milliseconds(9'000'000)};
    std::atomic<core::Milliseconds> passed_{core::Milliseconds{}};
    std::atomic<core::Milliseconds> set_{core::Milliseconds{}};
};

}  // namespace tests::support
