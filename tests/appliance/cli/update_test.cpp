#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "appliance/cli/request.hpp"
#include "appliance/cli/show_update.hpp"
#include "tests/appliance/cli/parse.hpp"

namespace appliance::cli {
namespace {

using testing::HasSubstr;

TEST(Update, InstallNamesAPlaceAndWhetherToReboot) {
    const auto options = parse({"update", "install", "https://a/b/", "--reboot", "--why", "2.3"});
    ASSERT_TRUE(options.has_value());
    const Request request = request_for(*options, "ann");
    EXPECT_EQ(request.path, "/v1/update/install");
    EXPECT_EQ(Json::parse(request.body),
              Json::parse(R"({"source":"https://a/b/","reboot":true,"why":"2.3","claimed_by":"ann"})"));
    EXPECT_FALSE(parse({"update", "install", "https://a/b/"})->reboot);
    EXPECT_EQ(parse({"update", "install"}).error().code, 2);
    EXPECT_EQ(parse({"update"}).error().code, 2);
}

TEST(Update, TheOthersSayWhyAtMost) {
    EXPECT_EQ(request_for(*parse({"update", "status"}), "").path, "/v1/update");
    EXPECT_EQ(request_for(*parse({"update", "status"}), "").body, "");
    EXPECT_EQ(request_for(*parse({"update", "rollback", "--why", "slow"}), "").path, "/v1/update/rollback");
    EXPECT_EQ(request_for(*parse({"update", "reboot"}), "").path, "/v1/update/reboot");
    EXPECT_EQ(parse({"update", "rollback", "https://a/"}).error().code, 2);
}

TEST(ShowUpdate, HasALineForEachVersionAndWhatBecameOfTheRequest) {
    const std::string shown = show_update(Json::parse(R"({"running": "1", "state": "refused",
      "what": "version 1 is not newer than 1, which runs", "versions": [
      {"version": "1", "state": "served"}, {"version": "2", "state": "given up"}]})"),
                                          Style{});
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
    EXPECT_THAT(show_update(Json::object(), Style{}), HasSubstr("nothing asked for"));
    EXPECT_THAT(show_update_asked(Json::parse(R"({"asked": "install"})")), HasSubstr("update status"));
    EXPECT_THAT(show_update_asked(Json::parse(R"({"asked": "reboot"})")), HasSubstr("starts anew"));
}

}  // namespace
}  // namespace appliance::cli
