#include "appliance/boot/supervisor/first_start.hpp"

#include <gtest/gtest.h>

namespace appliance::boot {
namespace {

constexpr FirstStart::Clock::time_point now{};

TEST(FirstStart, GivesUpWithTheThirdDeathOfOneProcess) {
    FirstStart start;
    start.begin(now);
    for (unsigned i = 1; i < FirstStart::deaths_max; ++i) {
        EXPECT_FALSE(start.died(Role::proxy));
        EXPECT_FALSE(start.died(Role::fence));
    }
    EXPECT_TRUE(start.died(Role::proxy));
    EXPECT_FALSE(start.died(Role::control));
}

TEST(FirstStart, NeverGivesUpOnceItHasServed) {
    FirstStart start;
    start.begin(now);
    start.end();
    EXPECT_FALSE(start.under_way());
    EXPECT_FALSE(start.end_by().has_value());
    for (unsigned i = 0; i < 2 * FirstStart::deaths_max; ++i) {
        EXPECT_FALSE(start.died(Role::proxy));
    }
}

TEST(FirstStart, GivesUpWhenItsTimeIsOver) {
    FirstStart start;
    EXPECT_FALSE(start.end_by().has_value());
    start.begin(now);
    EXPECT_EQ(start.end_by(), now + FirstStart::time_limit);
}

}  // namespace
}  // namespace appliance::boot
