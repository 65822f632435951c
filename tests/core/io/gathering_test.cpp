// When a loop waits for several completions together, and when not.
#include "core/io/gathering.hpp"

#include <gtest/gtest.h>

namespace core::io {
namespace {

// Runs so many rounds that earlier numbers in flight do not count any more.
void forget(Gathering& gathering) {
    for (int round = 0; round < 200; ++round) {
        static_cast<void>(gathering.wanted(0));
    }
}

TEST(Gathering, WakesWithEachWhileLittleIsInFlight) {
    for (const unsigned in_flight : {0U, 1U, 2U, Gathering::part * Gathering::company - 1}) {
        Gathering gathering;
        EXPECT_EQ(gathering.wanted(in_flight), 1U) << in_flight;
    }
}

TEST(Gathering, WaitsForAPartOfWhatIsInFlightUpToALimit) {
    Gathering gathering;
    EXPECT_EQ(gathering.wanted(Gathering::part * Gathering::company), Gathering::company);
    EXPECT_EQ(gathering.wanted(40), 10U);
    EXPECT_EQ(gathering.wanted(Gathering::part * Gathering::wanted_max), Gathering::wanted_max);
    EXPECT_EQ(gathering.wanted(20'000), Gathering::wanted_max);
}

TEST(Gathering, RemembersForAWhileWhatWasInFlight) {
    Gathering gathering;
    EXPECT_EQ(gathering.wanted(64), 16U);
    EXPECT_GT(gathering.wanted(0), 10U) << "clients that were answered together ask again together";
    forget(gathering);
    EXPECT_EQ(gathering.wanted(0), 1U);
}

TEST(Gathering, RestsAfterAWaitThatBroughtNoCompany) {
    Gathering gathering;
    const unsigned wanted = gathering.wanted(64);
    gathering.judge(Gathering::company - 1);
    for (unsigned round = 0; round < Gathering::rest; ++round) {
        ASSERT_EQ(gathering.wanted(64), 1U) << round;
    }
    EXPECT_EQ(gathering.wanted(64), wanted);
}

TEST(Gathering, GoesOnWhereCompanyCame) {
    Gathering gathering;
    const unsigned wanted = gathering.wanted(64);
    gathering.judge(Gathering::company);
    EXPECT_EQ(gathering.wanted(64), wanted);
}

}  // namespace
}  // namespace core::io
