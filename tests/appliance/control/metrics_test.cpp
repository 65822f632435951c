// Metrics from a status and a report, as Prometheus reads them.
#include "appliance/control/observe/metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace appliance::control {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::ordered_json;

const Json& status() {
    static const Json parsed = Json::parse(R"({
        "version": "0.1.0", "since": "1970-01-01T00:02:00Z",
        "proxy": {"state": "running"}, "fence_helper": {"state": "down", "repairs": 3},
        "moved": {"copied": 12, "spliced": 9007199254740993}, "shortages": {"connections": 6, "checks": 0},
        "listeners": [{"name": "web", "sessions": 2, "accepted": 5, "refused": 1, "present": false},
                      {"name": "shared", "present": null}, {"name": "web6", "present": true}],
        "pools": [{"name": "app", "state": "serving",
                   "queue": {"waiting": 1, "waited": 2, "overflow": 3, "expired": 4},
                   "visitors": {"status": {"2xx": 7, "5xx": 1}, "ours": 1, "broken": 0, "retried": 2},
                   "backends": [{"server": "web1", "state": "up", "active": 1, "total": 9, "failed": 0, "weight": 1,
                                 "odd_answers": {"bare_lf": 4, "folded_field": 2},
                                 "check": {"state": "up", "last_ms": 250, "passed": 8, "failed": 1}},
                                {"server": "web2", "state": "fenced", "active": 0, "total": 0, "failed": 0, "weight": 2,
                                 "check": {"state": "unknown", "last_ms": null, "passed": 0, "failed": 0}}]}]})");
    return parsed;
}

std::string printed(const json& report = {}) {
    return print_metrics(collect_metrics(status(), report));
}

TEST(Metrics, ANameIsIntroducedOnceAndHasALineForEachOfItsThings) {
    EXPECT_THAT(printed(), HasSubstr("# HELP gatehouse_backend_active Exchanges and relays in flight.\n"
                                     "# TYPE gatehouse_backend_active gauge\n"
                                     "gatehouse_backend_active{pool=\"app\",server=\"web1\"} 1\n"
                                     "gatehouse_backend_active{pool=\"app\",server=\"web2\"} 0\n"));
    EXPECT_THAT(printed(), HasSubstr("gatehouse_pool_requests_total{pool=\"app\",status=\"2xx\"} 7\n"
                                     "gatehouse_pool_requests_total{pool=\"app\",status=\"5xx\"} 1\n"));
}

TEST(Metrics, StatesAreOneOrNought) {
    EXPECT_THAT(printed(), HasSubstr("gatehouse_backend_eligible{pool=\"app\",server=\"web1\"} 1\n"
                                     "gatehouse_backend_eligible{pool=\"app\",server=\"web2\"} 0\n"));
    EXPECT_THAT(printed(), HasSubstr("gatehouse_backend_fenced{pool=\"app\",server=\"web2\"} 1\n"));
    EXPECT_THAT(printed(), HasSubstr("gatehouse_process_running{process=\"proxy\"} 1\n"
                                     "gatehouse_process_running{process=\"fence_helper\"} 0\n"));
}

TEST(Metrics, SaysWhichMoverSentHowMuchAndWhatATimeIsInSeconds) {
    EXPECT_THAT(printed(), HasSubstr("gatehouse_sent_bytes_total{mover=\"copy\"} 12\n"));
    EXPECT_THAT(printed(), HasSubstr("gatehouse_shortages_total{what=\"connection\"} 6\n"
                                     "gatehouse_shortages_total{what=\"check\"} 0\n"));
    EXPECT_THAT(printed(), HasSubstr("gatehouse_start_time_seconds 120\n"));
    EXPECT_THAT(printed(), HasSubstr("gatehouse_backend_check_duration_seconds{pool=\"app\",server=\"web1\"} 0.25\n"));
}

TEST(Metrics, CountsOddAnswersByServerAndKind) {
    EXPECT_THAT(
        printed(),
        HasSubstr("gatehouse_backend_odd_answers_total{pool=\"app\",server=\"web1\",kind=\"bare_lf\"} 4\n"
                  "gatehouse_backend_odd_answers_total{pool=\"app\",server=\"web1\",kind=\"folded_field\"} 2\n"));
}

TEST(Metrics, SaysWhichListenersAreUnreachable) {
    EXPECT_THAT(printed(), HasSubstr("gatehouse_listener_present{listener=\"web\"} 0\n"
                                     "gatehouse_listener_present{listener=\"web6\"} 1\n"));
}

TEST(Metrics, LeavesOutWhatIsNotKnown) {
    EXPECT_THAT(printed(), Not(HasSubstr("check_duration_seconds{pool=\"app\",server=\"web2\"}")));
    EXPECT_THAT(printed(), Not(HasSubstr("duration_seconds_bucket")));
    EXPECT_EQ(print_metrics(collect_metrics(Json::object(), nullptr)).find("pool"), std::string::npos);
}

TEST(Metrics, LatencyIsAHistogramWithItsSumAndCount) {
    // Place 7 of the histogram is 7 µs, place 80 begins at 4096 µs.
    const json report{{"pools",
                       {{{"name", "app"},
                         {"visitors", {{"requests", 5}, {"took_us", 12'300'000}, {"latency", {{7, 3}, {80, 2}}}}}}}}};
    const std::string text = printed(report);
    EXPECT_THAT(text, HasSubstr("# TYPE gatehouse_pool_request_duration_seconds histogram\n"
                                "gatehouse_pool_request_duration_seconds_bucket{pool=\"app\",le=\"0.000128\"} 3\n"));
    EXPECT_THAT(text, HasSubstr("_bucket{pool=\"app\",le=\"0.004096\"} 3\n"));
    EXPECT_THAT(text, HasSubstr("_bucket{pool=\"app\",le=\"0.008192\"} 5\n"));
    EXPECT_THAT(text, HasSubstr("_bucket{pool=\"app\",le=\"+Inf\"} 5\n"));
    EXPECT_THAT(text, HasSubstr("_sum{pool=\"app\"} 12.3\n"));
    EXPECT_THAT(text, HasSubstr("_count{pool=\"app\"} 5\n"));
}

TEST(Metrics, LabelsAreEscaped) {
    const Metric odd{"odd", "gauge", "Odd.", {{"", {{"name", "a\"b\\c\nd"}}, 1}}};
    EXPECT_THAT(print_metrics({odd}), HasSubstr(R"(odd{name="a\"b\\c\nd"} 1)"));
}

TEST(Metrics, AreJsonForPrograms) {
    const Json view = view_metrics(collect_metrics(status(), {}));
    EXPECT_EQ(view["metrics"][0]["name"], "gatehouse_info");
    EXPECT_EQ(view["metrics"][0]["samples"][0]["labels"]["version"], "0.1.0");
}

}  // namespace
}  // namespace appliance::control
