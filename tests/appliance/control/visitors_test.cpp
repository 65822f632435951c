#include "appliance/control/observe/visitors.hpp"

#include <gtest/gtest.h>

namespace appliance::control {
namespace {

using nlohmann::json;

json seen(std::uint64_t good, std::uint64_t bad, json latency) {
    return {{"requests", good + bad},
            {"status", {good, 0, 0, bad}},
            {"ours", bad},
            {"broken", 0},
            {"retried", 1},
            {"waited", 0},
            {"latency", std::move(latency)}};
}

TEST(ViewVisitors, IsWhatLiesBetweenTwoReports) {
    // Place 7 of the histogram is 7 µs, exactly.
    const auto view = view_visitors(seen(10, 1, {{7, 11}}), seen(25, 3, {{7, 11}, {40, 17}}));
    EXPECT_EQ(view["requests"], 17);
    EXPECT_EQ(view["status"], (nlohmann::ordered_json{{"2xx", 15}, {"3xx", 0}, {"4xx", 0}, {"5xx", 2}}));
    EXPECT_EQ(view["ours"], 2);
    EXPECT_EQ(view["retried"], 0);
    EXPECT_NEAR(view["latency"]["p50_ms"].get<double>(), 0.136, 0.01);
}

TEST(ViewVisitors, BeginsWithNoVisitors) {
    EXPECT_EQ(view_visitors(nullptr, seen(3, 0, {{7, 3}}))["requests"], 3);
    EXPECT_EQ(view_visitors(nullptr, seen(3, 0, {{7, 3}}))["latency"]["p99_ms"], 0.007);
    EXPECT_EQ(view_visitors(nullptr, nullptr)["requests"], 0);
}

TEST(ViewVisitors, IsNothingWhereItIsNotUnderstood) {
    EXPECT_TRUE(view_visitors({{"requests", 7}}, seen(1, 0, json::array())).is_null());
    EXPECT_TRUE(view_visitors(nullptr, seen(1, 0, {{7}})).is_null());
    EXPECT_EQ(view_visitors(nullptr, seen(1, 0, {{1'000'000, 1}}))["requests"], 1) << "a place that we do not have";
}

TEST(VisitorsIn, FindsThePool) {
    const json report{{"pools", {{{"name", "app"}, {"visitors", {{"requests", 1}}}}, {{"name", "chat"}}}}};
    EXPECT_EQ(visitors_in(report, "app")["requests"], 1);
    EXPECT_TRUE(visitors_in(report, "chat").is_null());
    EXPECT_TRUE(visitors_in(report, "none").is_null());
    EXPECT_TRUE(visitors_in(nullptr, "app").is_null());
}

}  // namespace
}  // namespace appliance::control
