#include "appliance/base/lookups.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace appliance::base {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

TEST(Lookups, ANameInNumbersIsItself) {
    Lookups lookups(1, 8);
    const auto found = lookups.look_up("127.0.0.1", 80, std::chrono::steady_clock::now() + 30s);
    ASSERT_TRUE(found.has_value());
    EXPECT_EQ(found->front().text(), "127.0.0.1:80");
    EXPECT_EQ(lookups.look_up("::1", 80, std::chrono::steady_clock::now() + 30s)->front().text(), "[::1]:80");
}

// The first look-up's thread gives its place back at its end, also when its answer comes too late.
TEST(Lookups, AsksForNoMoreAtOnceThanItMay) {
    Lookups lookups(1, 8);
    const auto late = lookups.look_up("127.0.0.1", 80, std::chrono::steady_clock::now() - 1s);
    const auto next = lookups.look_up("127.0.0.1", 80, std::chrono::steady_clock::now() + 30s);
    EXPECT_TRUE(next.has_value()) << next.error().line();
    if (!late) {
        EXPECT_THAT(late.error().line(), HasSubstr("in time"));
    }
}

TEST(Lookups, AnErrorSaysWhatItIs) {
    Lookups lookups(1, 8);
    const auto found = lookups.look_up("a name with blanks", 80, std::chrono::steady_clock::now() + 30s);
    ASSERT_FALSE(found.has_value());
    EXPECT_THAT(found.error().line(), HasSubstr("its name cannot be looked up: "));
}

}  // namespace
}  // namespace appliance::base
