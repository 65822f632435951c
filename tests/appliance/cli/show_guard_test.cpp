// What the guards say, as an operator reads it.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "appliance/cli/terminal/table.hpp"
#include "tests/appliance/cli/parse.hpp"

namespace appliance::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

Json guard_that(const char* kind, const char* verdict) {
    return {{"name", "g"}, {"kind", kind}, {"verdict", verdict}, {"why", "because"}, {"until", nullptr}};
}

std::string shown(const Json& guards, const Json& next_free) {
    const Json answer{
        {"allowed", false}, {"at", "2026-11-23T05:00:00Z"}, {"at_local", "2026-11-23 06:00 CET"}, {"for_ms", 0},
        {"guards", guards}, {"next_free", next_free},       {"next_free_local", next_free}};
    // Wherever its lines are broken.
    std::istringstream words(show_answer({"guard"}, answer));
    std::string text;
    for (std::string word; words >> word;) {
        text += (text.empty() ? "" : " ") + word;
    }
    return text;
}

TEST(ShowGuards, NoWindowIsNamedWhereOnlyAMeetingOfNowForbidsIt) {
    const std::string text =
        shown(Json::array({guard_that("bigbluebutton", "blocked"), guard_that("windows", "allowed")}), nullptr);
    EXPECT_THAT(text, HasSubstr("a deploy at 2026-11-23 06:00 CET may not start"));
    EXPECT_THAT(text, HasSubstr("ask again when the meeting has ended"));
    EXPECT_THAT(text, Not(HasSubstr("free")));
    EXPECT_THAT(shown(Json::array({guard_that("bigbluebutton", "unknown")}), nullptr),
                HasSubstr("ask again when the servers answer"));
}

TEST(ShowGuards, TheNextWindowIsToldWithWhatItDoesNotKnow) {
    const char* next = "2026-11-23 07:00 CET";
    EXPECT_THAT(shown(Json::array({guard_that("windows", "blocked")}), next),
                HasSubstr("windows and schedules leave it free from 2026-11-23 07:00 CET"));
    EXPECT_THAT(shown(Json::array({guard_that("windows", "blocked")}), next), Not(HasSubstr("known")));
    EXPECT_THAT(shown(Json::array({guard_that("windows", "blocked"), guard_that("bigbluebutton", "blocked")}), next),
                HasSubstr("who meets then cannot be known"));
    EXPECT_THAT(shown(Json::array({guard_that("schedule", "unknown")}), nullptr),
                HasSubstr("no free window is known in the next 14 days"));
}

}  // namespace
}  // namespace appliance::cli
