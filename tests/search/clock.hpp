// SearchClock: time that passes only while no thread works. All timed waits of the product end here, so a slow machine
// changes nothing. When every thread of the process is blocked and only time can wake one, the clock jumps to the
// earliest deadline. A step may make it jump further, and set its wall clock.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <thread>

#include "core/base/clock.hpp"
#include "core/base/descriptor.hpp"
#include "tests/search/idleness.hpp"

namespace tests::search {

class SearchClock final : public core::base::ClockSource {
public:
    SearchClock();
    SearchClock(const SearchClock&) = delete;
    SearchClock& operator=(const SearchClock&) = delete;
    // All waits have ended.
    ~SearchClock() override;

    core::WallTime wall() noexcept override;
    core::BootTime boot() noexcept override;
    std::cv_status wait(std::condition_variable& condition, std::unique_lock<std::mutex>& lock,
                        core::Milliseconds duration) override;
    int poll(pollfd& entry, core::Milliseconds duration) override;

    // Waits until all threads are idle, then lets the time pass at once, as after a suspend.
    void pass(core::Milliseconds time);
    void set_wall(core::Milliseconds step) noexcept { wall_ahead_ += step.count(); }
    // The wall clock as when it was made.
    void right_wall() noexcept { wall_ahead_ = wall_base; }
    // How often it has jumped.
    [[nodiscard]] std::uint64_t jumps() const noexcept { return jumps_; }

private:
    struct Sleeper {
        std::condition_variable* condition = nullptr;
        int event = -1;             // of a poll, where there is no condition
        core::Milliseconds leap{};  // what passes beyond the deadline
        bool woken = false;
    };
    using Sleepers = std::multimap<std::int64_t, Sleeper>;  // by deadline

    Sleepers::iterator add(core::Milliseconds duration, Sleeper sleeper);
    void remove(Sleepers::iterator sleeper);
    void run();
    bool jump();

    static constexpr std::int64_t wall_base = 1'790'000'000'000;  // of the year 2026
    std::atomic<std::int64_t> now_{60'000};
    std::atomic<std::int64_t> wall_ahead_{wall_base};
    std::atomic<std::uint64_t> jumps_{0};
    std::mutex mutex_;
    Sleepers sleepers_;
    std::atomic<bool> ending_ = false;
    Idleness idleness_;
    std::thread thread_;
};

}  // namespace tests::search
