#include "core/health/tally.hpp"

#include <gtest/gtest.h>

namespace core::health {
namespace {

const Verdict pass{true, "200"};
const Verdict fail{false, "503 instead of 200"};
const WallTime noon{std::chrono::hours(12)};

TEST(Tally, IsUnknownUntilTheFirstVerdict) {
    EXPECT_EQ(Tally().health(), Health::unknown);
}

TEST(Tally, LetsTheFirstVerdictDecideAlone) {
    Check check;
    check.rise = 3;
    check.fall = 3;
    Tally up;
    EXPECT_TRUE(up.count(pass, check, noon));
    EXPECT_EQ(up.health(), Health::up);
    Tally down;
    EXPECT_TRUE(down.count(fail, check, noon));
    EXPECT_EQ(down.health(), Health::down);
    EXPECT_EQ(down.why(), "503 instead of 200");
    EXPECT_EQ(down.since(), noon);
}

TEST(Tally, ACheckThatCouldNotBeMadeChangesNothingAndIsNoneOfARow) {
    const Check check;
    Tally tally;
    tally.miss("no descriptors");
    EXPECT_EQ(tally.health(), Health::unknown);
    EXPECT_EQ(tally.why(), "no descriptors");
    tally.count(pass, check, noon);
    tally.count(fail, check, noon);
    tally.miss("no ports");
    EXPECT_EQ(tally.health(), Health::up);
    EXPECT_EQ(tally.why(), "503 instead of 200");
    EXPECT_EQ(tally.failed(), 1U);
    EXPECT_TRUE(tally.count(fail, check, noon));
}

TEST(Tally, FallsAfterTwoConsecutiveFailuresAndRisesAfterOnePass) {
    const Check check;
    Tally tally;
    tally.count(pass, check, noon);
    EXPECT_FALSE(tally.count(fail, check, noon));
    EXPECT_EQ(tally.health(), Health::up);
    EXPECT_TRUE(tally.count(fail, check, noon));
    EXPECT_EQ(tally.health(), Health::down);
    EXPECT_TRUE(tally.count(pass, check, noon));
    EXPECT_EQ(tally.health(), Health::up);
}

TEST(Tally, KeepsTheReasonOfAFallUntilEnoughChecksHavePassed) {
    Check check;
    check.rise = 2;
    Tally tally;
    tally.count(fail, check, noon);
    tally.count(pass, check, noon);
    EXPECT_EQ(tally.health(), Health::down);
    EXPECT_EQ(tally.why(), "503 instead of 200");
    tally.count({false, "connect refused"}, check, noon);
    EXPECT_EQ(tally.why(), "connect refused");
    tally.count(pass, check, noon);
    tally.count(pass, check, noon);
    EXPECT_EQ(tally.why(), "200");
}

TEST(Tally, StartsCountingAnewAfterAPass) {
    const Check check;
    Tally tally;
    tally.count(pass, check, noon);
    for (int i = 0; i < 10; ++i) {
        EXPECT_FALSE(tally.count(fail, check, noon));
        EXPECT_FALSE(tally.count(pass, check, noon));
    }
    EXPECT_EQ(tally.health(), Health::up);
    EXPECT_EQ(tally.passed(), 11U);
    EXPECT_EQ(tally.failed(), 10U);
}

TEST(Tally, IsTakenDownByOthersOnlyFromUpAndComesBackByPasses) {
    Check check;
    check.rise = 2;
    Tally tally;
    EXPECT_FALSE(tally.fail("visitors", noon)) << "nothing is known yet, and the first check shall decide alone";
    tally.count(pass, check, noon);
    EXPECT_TRUE(tally.fail("visitors", noon));
    EXPECT_EQ(tally.health(), Health::down);
    EXPECT_EQ(tally.why(), "visitors");
    EXPECT_FALSE(tally.fail("again", noon));
    EXPECT_EQ(tally.why(), "visitors");
    EXPECT_FALSE(tally.count(pass, check, noon));
    EXPECT_TRUE(tally.count(pass, check, noon));
    EXPECT_EQ(tally.health(), Health::up);
}

TEST(Tally, CarriesAnUpUntilTheNewCheckHasFailedAsOftenAsFallSays) {
    Check check;
    check.fall = 3;
    Tally tally;
    tally.count(pass, check, noon);
    tally.count(fail, check, noon);
    tally.count(fail, check, noon);
    tally.carry();
    EXPECT_TRUE(tally.carried());
    EXPECT_FALSE(tally.count(fail, check, noon)) << "failures of the check before do not count";
    EXPECT_FALSE(tally.count(fail, check, noon));
    EXPECT_EQ(tally.health(), Health::up);
    EXPECT_TRUE(tally.carried());
    EXPECT_TRUE(tally.count(fail, check, noon));
    EXPECT_EQ(tally.health(), Health::down);
    EXPECT_FALSE(tally.carried());
}

TEST(Tally, CarriesADownUntilTheNewCheckHasPassedAsOftenAsRiseSays) {
    Check check;
    check.rise = 2;
    Tally tally;
    tally.count(fail, check, noon);
    tally.carry();
    EXPECT_FALSE(tally.count(pass, check, noon));
    EXPECT_EQ(tally.health(), Health::down);
    EXPECT_TRUE(tally.carried());
    EXPECT_TRUE(tally.count(pass, check, noon));
    EXPECT_EQ(tally.health(), Health::up);
    EXPECT_FALSE(tally.carried());
}

TEST(Tally, IsCarriedNoMoreOnceTheNewCheckAgrees) {
    const Check check;
    Tally tally;
    tally.count(pass, check, noon);
    tally.carry();
    EXPECT_FALSE(tally.count(pass, check, noon));
    EXPECT_FALSE(tally.carried());
}

TEST(Tally, HasNothingToCarryBeforeItsFirstVerdict) {
    const Check check;
    Tally tally;
    tally.carry();
    EXPECT_FALSE(tally.carried());
    EXPECT_TRUE(tally.count(fail, check, noon)) << "the first verdict of all decides alone";
}

TEST(Tally, ForgetsItsStandingOnReset) {
    const Check check;
    Tally tally;
    tally.count(pass, check, noon);
    tally.reset("fence lifted", noon);
    EXPECT_EQ(tally.health(), Health::unknown);
    EXPECT_EQ(tally.why(), "fence lifted");
    EXPECT_TRUE(tally.count(pass, check, noon));
}

}  // namespace
}  // namespace core::health
