#include "core/base/duration.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace core::base {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

TEST(Duration, PrintsWhatItParsedInItsShortestExactForm) {
    struct Case {
        const char* text;
        Milliseconds duration;
        const char* printed;
    };
    for (const Case& c : {
             Case{"500ms", 500ms, "500ms"},
             Case{"2s", 2s, "2s"},
             Case{"30m", 30min, "30m"},
             Case{"1h", 1h, "1h"},
             Case{"7d", 168h, "7d"},
             Case{"0s", 0ms, "0s"},
             Case{"0ms", 0ms, "0s"},
             Case{"1000ms", 1s, "1s"},
             Case{"90s", 90s, "90s"},
             Case{"120s", 2min, "2m"},
             Case{"1500ms", 1500ms, "1500ms"},
             Case{"36h", 36h, "36h"},
             Case{"48h", 48h, "2d"},
             Case{"3650d", 87'600h, "3650d"},
             Case{"2h30m", 150min, "150m"},
             Case{"1h 59m", 119min, "119m"},
             Case{"1m30s", 90s, "90s"},
             Case{"1d2h3m4s5ms", 93'784'005ms, "93784005ms"},
             Case{"3649d24h", 87'600h, "3650d"},
         }) {
        const auto duration = parse_duration(c.text);
        ASSERT_TRUE(duration.has_value()) << c.text << ": " << duration.error().line();
        EXPECT_EQ(*duration, c.duration) << c.text;
        EXPECT_EQ(print_duration(*duration), c.printed) << c.text;
        EXPECT_EQ(*parse_duration(c.printed), c.duration) << c.text;
    }
}

TEST(Duration, RefusesWhatIsNoNumbersWithUnitsFromTheLargestDown) {
    for (const char* text :
         {"",      "s",    "5",    "1.5s",    "1 s",    " 1s",    "1s ",   "-1s",  "-0s", "+1s", "1S", "1sec",
          "30s1m", "1m1m", "1h30", "1h  30m", "1h-30m", "1h,30m", "1h 30", "0x1s", "1µs", "ms",  "one"}) {
        const auto duration = parse_duration(text);
        ASSERT_FALSE(duration.has_value()) << text;
        EXPECT_THAT(duration.error().line(), HasSubstr("is not a duration")) << text;
        EXPECT_THAT(duration.error().mend, HasSubstr("500ms")) << text;
    }
}

TEST(Duration, RefusesMoreThanTenYearsInAnyUnit) {
    for (const char* text : {"3651d", "87601h", "5256001m", "315360001s", "315360000001ms", "9223372036854775807d",
                             "99999999999999999999s", "3650d1ms", "3649d24h1ms", "3649d 99999999999999999999h"}) {
        const auto duration = parse_duration(text);
        ASSERT_FALSE(duration.has_value()) << text;
        EXPECT_THAT(duration.error().line(), HasSubstr("is too long; at most 3650d")) << text;
    }
    EXPECT_TRUE(parse_duration("315360000000ms").has_value());
}

TEST(Duration, PrintsANegativeOneAsNothing) {
    EXPECT_EQ(print_duration(-5s), "0s");
    EXPECT_EQ(print_age(-5s), "0s");
}

TEST(Age, HasTwoUnitsAtMostAndIsRoundedDown) {
    EXPECT_EQ(print_age(0ms), "0s");
    EXPECT_EQ(print_age(999ms), "0s");
    EXPECT_EQ(print_age(45s + 999ms), "45s");
    EXPECT_EQ(print_age(60s), "1m");
    EXPECT_EQ(print_age(61s), "1m 1s");
    EXPECT_EQ(print_age(62min + 59s), "1h 2m");
    EXPECT_EQ(print_age(1h + 59s), "1h");
    EXPECT_EQ(print_age(24h), "1d");
    EXPECT_EQ(print_age(49h + 59min), "2d 1h");
}

TEST(Time, PrintsUtcInSeconds) {
    EXPECT_EQ(print_time(WallTime{}), "1970-01-01T00:00:00Z");
    EXPECT_EQ(print_time(WallTime(1'795'356'185'999ms)), "2026-11-22T14:03:05Z");
}

TEST(Time, ReadsEveryFormAsTheSameMoment) {
    const WallTime moment(1'795'356'185s);
    for (const char* text : {
             "2026-11-22T14:03:05Z",
             "2026-11-22t14:03:05z",
             "2026-11-22 14:03:05Z",
             "2026-11-22T14:03:05.999Z",
             "2026-11-22T16:03:05+02:00",
             "2026-11-22T09:33:05-04:30",
             "2026-11-23T00:03:05+10:00",
         }) {
        const auto time = parse_time(text);
        ASSERT_TRUE(time.has_value()) << text << ": " << time.error().line();
        EXPECT_EQ(*time, moment) << text;
    }
    EXPECT_EQ(*parse_time("2026-11-22T14:03Z"), moment - 5s);
    EXPECT_EQ(*parse_time("2026-11-22T16:03+02:00"), moment - 5s);
}

TEST(Time, SurvivesBeingPrintedAndRead) {
    for (const char* text : {"1970-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "2024-02-29T12:00:00Z",
                             "2026-11-22T14:03:05Z", "2100-02-28T23:59:59Z", "9999-12-31T23:59:59Z"}) {
        const auto time = parse_time(text);
        ASSERT_TRUE(time.has_value()) << text;
        EXPECT_EQ(print_time(*time), text);
    }
}

TEST(Time, CountsALeapSecondAsTheNextMinute) {
    EXPECT_EQ(*parse_time("2016-12-31T23:59:60Z"), *parse_time("2017-01-01T00:00:00Z"));
}

TEST(Time, RefusesWhatIsNoTimeOrNoDate) {
    for (const char* text : {
             "",
             "now",
             "2026-11-22",
             "2026-11-22T14:03:05",
             "2026-11-22T14Z",
             "2026-11-22T14:03:Z",
             "2026-11-22T14:03:05.Z",
             "2026-11-22T14:03:05Z ",
             " 2026-11-22T14:03:05Z",
             "26-11-22T14:03:05Z",
             "-11-22T14:03:05Z",
             "-026-11-22T14:03:05Z",
             "+2026-11-22T14:03:05Z",
             "2026-13-01T00:00:00Z",
             "2026-00-01T00:00:00Z",
             "2026-02-30T00:00:00Z",
             "2026-02-29T00:00:00Z",
             "2026-11-22T24:00:00Z",
             "2026-11-22T14:60:00Z",
             "2026-11-22T14:03:61Z",
             "2026-11-22T14:03:05+2:00",
             "2026-11-22T14:03:05+0200",
             "2026-11-22T14:03:05+24:00",
             "2026-11-22T14:03:05+02:60",
             "2026-11-22T14:03:05+",
             "2026/11/22T14:03:05Z",
             "2026-11-22T1-:03:05Z",
         }) {
        const auto time = parse_time(text);
        ASSERT_FALSE(time.has_value()) << text << " became " << print_time(*time);
        EXPECT_THAT(time.error().line(), HasSubstr("is not a time")) << text;
    }
}

TEST(Time, KnowsNow) {
    const auto before = std::chrono::floor<Milliseconds>(std::chrono::system_clock::now());
    const WallTime now = wall_now();
    EXPECT_GE(now, before);
    EXPECT_LE(now, std::chrono::system_clock::now());
}

}  // namespace
}  // namespace core::base
