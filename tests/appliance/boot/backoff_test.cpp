#include "appliance/boot/process/backoff.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace appliance::boot {
namespace {

using core::Milliseconds;

TEST(Backoff, RestartsAtOnceFirstAndThenEverLaterUpToItsLimit) {
    Backoff backoff;
    const Backoff::Clock::time_point now{};
    backoff.started(now);
    std::vector<Milliseconds::rep> delays;
    for (int i = 0; i < 11; ++i) {
        delays.push_back(backoff.died(now).count());
    }
    EXPECT_EQ(delays, (std::vector<Milliseconds::rep>{0, 0, 0, 100, 200, 400, 800, 1600, 3200, 5000, 5000}));
}

TEST(Backoff, NeverOverflows) {
    Backoff backoff;
    for (int i = 0; i < 100; ++i) {
        backoff.died({});
    }
    EXPECT_EQ(backoff.died({}), Backoff::delay_max);
}

TEST(Backoff, ForgivesAChildThatLivedForAWhile) {
    Backoff backoff;
    Backoff::Clock::time_point now{};
    for (int i = 0; i < 8; ++i) {
        backoff.died(now);
    }
    backoff.started(now);
    now += Backoff::forgiven_after;
    EXPECT_EQ(backoff.died(now), Milliseconds{0});
}

}  // namespace
}  // namespace appliance::boot
