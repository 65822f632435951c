#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/appliance/cli/parse.hpp"

namespace appliance::cli {
namespace {

using testing::HasSubstr;

TEST(Update, InstallNamesAPlaceAndWhetherToReboot) {
    const Request request = request_of({"update", "install", "https://a/b/", "--reboot", "--why", "2.3"}, "ann");
    EXPECT_EQ(request.path, "/v1/update/install");
    EXPECT_EQ(Json::parse(request.body),
              Json::parse(R"({"source":"https://a/b/","reboot":true,"why":"2.3","claimed_by":"ann"})"));
    EXPECT_EQ(order_of({"update", "install", "https://a/b/"})["reboot"], false);
    EXPECT_EQ(parse({"update", "install"}).error().code, 2);
    EXPECT_EQ(parse({"update"}).error().code, 2);
}

TEST(Update, TheOthersSayWhyAtMost) {
    EXPECT_EQ(request_of({"update", "status"}).path, "/v1/update");
    EXPECT_EQ(request_of({"update", "status"}).body, "");
    EXPECT_EQ(request_of({"update", "rollback", "--why", "slow"}).path, "/v1/update/rollback");
    EXPECT_EQ(request_of({"update", "reboot"}).path, "/v1/update/reboot");
    EXPECT_EQ(parse({"update", "rollback", "https://a/"}).error().code, 2);
}

TEST(ShowUpdate, HasALineForEachVersionAndWhatBecameOfTheRequest) {
    const std::string shown = show_answer({"update", "status"}, Json::parse(R"({"running": "1", "state": "refused",
      "what": "version 1 is not newer than 1, which runs", "versions": [
      {"version": "1", "state": "served"}, {"version": "2", "state": "given up"}]})"));
    std::istringstream in(shown);
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);) {
        EXPECT_LE(line.size(), 80U);
        lines.push_back(line);
    }
    ASSERT_EQ(lines.size(), 5U) << shown;
    EXPECT_THAT(lines[1], testing::AllOf(HasSubstr("1"), HasSubstr("served"), HasSubstr("runs")));
    EXPECT_THAT(lines[2], testing::AllOf(HasSubstr("2"), HasSubstr("given up"), testing::Not(HasSubstr("runs"))));
    EXPECT_EQ(lines[4], "refused: version 1 is not newer than 1, which runs");
}

TEST(ShowUpdate, AnAnswerOfAnotherVersionHasGaps) {
    EXPECT_THAT(show_answer({"update", "status"}, Json::object()), HasSubstr("nothing asked for"));
    EXPECT_THAT(show_answer({"update", "install", "https://a/"}, {{"asked", "install"}}), HasSubstr("update status"));
    EXPECT_THAT(show_answer({"update", "reboot"}, {{"asked", "reboot"}}), HasSubstr("starts anew"));
}

}  // namespace
}  // namespace appliance::cli
