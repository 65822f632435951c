#include "core/base/result.hpp"

#include <gtest/gtest.h>

#include <cerrno>

#include "core/base/verify.hpp"

namespace core::base {
namespace {

TEST(Result, PrintsWhatWhyAndMendInOneLine) {
    const Result<int> refused = fail("cannot listen on 0.0.0.0:80", "address already in use", "stop the other program");
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().line(), "cannot listen on 0.0.0.0:80: address already in use; stop the other program");
    EXPECT_EQ(refused.error().os_error, 0);
}

TEST(Result, LeavesOutOfTheLineWhatIsEmpty) {
    EXPECT_EQ((Error{"no pool", "", "", 0}).line(), "no pool");
    EXPECT_EQ((Error{"no pool", "it was removed", "", 0}).line(), "no pool: it was removed");
    EXPECT_EQ((Error{"no pool", "", "name one", 0}).line(), "no pool; name one");
}

TEST(Result, NamesTheSystemsReasonAndKeepsItsNumber) {
    const Result<void> refused = fail_os("cannot open a socket", EMFILE, "raise the limit");
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().os_error, EMFILE);
    EXPECT_EQ(refused.error().line(), "cannot open a socket: Too many open files; raise the limit");
}

TEST(Result, HasWordsForANumberThatTheSystemDoesNotKnow) {
    const Result<void> refused = fail_os("cannot do it", 100'000);
    EXPECT_EQ(refused.error().line(), "cannot do it: unknown error");
}

TEST(VerifyDeathTest, AbortsAndNamesTheBrokenConditionAndItsPlace) {
    const int two = 2;
    EXPECT_DEATH(VERIFY(two == 3), "broken invariant two == 3 at .*result_test.cpp:[0-9]+");
}

TEST(Verify, LetsATrueConditionPass) {
    VERIFY(1 + 1 == 2);
}

}  // namespace
}  // namespace core::base
