#include "core/base/clock.hpp"

#include <gtest/gtest.h>

namespace core::base {
namespace {

class ManualClock final : public ClockSource {
public:
    ManualClock() { set_clock_source(this); }
    ~ManualClock() override { set_clock_source(nullptr); }
    WallTime wall() noexcept override { return WallTime(Milliseconds(1'000'000) + passed + set); }
    BootTime boot() noexcept override { return BootTime(Milliseconds(5'000) + passed); }
    std::cv_status wait(std::condition_variable& /*condition*/, std::unique_lock<std::mutex>& /*lock*/,
                        Milliseconds duration) override {
        passed += duration;
        return std::cv_status::timeout;
    }

    Milliseconds passed{};
    Milliseconds set{};
};

TEST(Clock, TheBootClockGoesOn) {
    const auto before = BootClock::now();
    EXPECT_GT(before.time_since_epoch().count(), 0);
    EXPECT_GE(BootClock::now(), before);
}

TEST(Clock, EveryStartOfTheMachineHasAnId) {
    EXPECT_EQ(boot_id().size(), 36U);
    EXPECT_EQ(boot_id(), boot_id());
}

TEST(Clock, ATestsClockStandsInForTheKernels) {
    const ManualClock clock;
    EXPECT_EQ(wall_now(), WallTime(Milliseconds(1'000'000)));
    EXPECT_EQ(BootClock::now(), BootTime(Milliseconds(5'000)));
}

TEST(Clock, ATestsClockEndsTheWaits) {
    ManualClock clock;
    sleep_for(Milliseconds(200));
    EXPECT_EQ(clock.passed, Milliseconds(200));
    std::mutex mutex;
    std::condition_variable condition;
    std::unique_lock lock(mutex);
    EXPECT_FALSE(wait_for(condition, lock, std::chrono::hours(1), [] { return false; }));
    EXPECT_TRUE(wait_for(condition, lock, std::chrono::hours(1), [] { return true; }));
    EXPECT_EQ(clock.passed, std::chrono::hours(1) + Milliseconds(200));
}

TEST(Clock, AWaitEndsWhenWhatItWaitsForIsThereOrItsTimeIsOver) {
    std::mutex mutex;
    std::condition_variable condition;
    std::unique_lock lock(mutex);
    EXPECT_FALSE(wait_for(condition, lock, Milliseconds(5), [] { return false; }));
    EXPECT_FALSE(wait_for(condition, lock, Milliseconds(-5), [] { return false; }));
    EXPECT_TRUE(wait_for(condition, lock, Milliseconds(0), [] { return true; }));
    pollfd nothing{-1, POLLIN, 0};
    EXPECT_EQ(poll_for(nothing, Milliseconds(5)), 0);
}

TEST(WallSteps, TimeThatPassesIsNoStep) {
    ManualClock clock;
    WallSteps steps;
    clock.passed = std::chrono::hours(100);
    EXPECT_EQ(steps.take(), Milliseconds(0));
}

TEST(WallSteps, AStepIsToldOnceInEitherDirection) {
    ManualClock clock;
    WallSteps steps;
    clock.set = std::chrono::hours(1);
    EXPECT_EQ(steps.take(), std::chrono::hours(1));
    EXPECT_EQ(steps.take(), Milliseconds(0));
    clock.set = std::chrono::hours(-2);
    EXPECT_EQ(steps.take(), std::chrono::hours(-3));
}

TEST(WallSteps, SmallStepsAddUp) {
    ManualClock clock;
    WallSteps steps;
    clock.set = WallSteps::least - Milliseconds(1);
    EXPECT_EQ(steps.take(), Milliseconds(0));
    clock.set = WallSteps::least;
    EXPECT_EQ(steps.take(), WallSteps::least);
}

}  // namespace
}  // namespace core::base
