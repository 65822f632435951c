#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/appliance/cli/parse.hpp"

namespace appliance::cli {
namespace {

using testing::HasSubstr;

TEST(ShowAudit, SaysAuthorChangeAndOutcome) {
    const Json answer = Json::parse(R"({"entries": [
      {"id": 12, "time": "2026-11-22T13:58:00Z", "who": "ci", "for": "ann", "from": "10.0.0.9:40112", "what": "deploy",
       "request": {"strategy": "rolling", "override": "nobody meets", "servers": ["web1", "web2"]}, "why": "2.3",
       "outcome": "refused: rollout 7 is running: started by bob; wait for it, or abort it"},
      {"id": 11, "time": "2026-11-22T11:00:00Z", "who": "root", "for": "", "from": "unix", "what": "reload",
       "request": {"servers": ["web1"], "drain_ms": 30000, "for_ms": 9000000, "count": 3, "recipe": ""}, "why": "",
       "outcome": "begun"}]})");
    const std::string shown = show_answer({"audit"}, answer);
    EXPECT_THAT(shown, HasSubstr("ci for ann"));
    EXPECT_THAT(shown, HasSubstr("override nobody meets; servers web1, web2; strategy rolling"));
    EXPECT_THAT(shown, HasSubstr("why: 2.3"));
    EXPECT_THAT(shown, HasSubstr("2026-11-22T11:00:00Z   3h"));
    EXPECT_THAT(shown, HasSubstr("count 3; drain 30s; for 2h 30m; servers web1"));
    std::istringstream lines(shown);
    for (std::string line; std::getline(lines, line);) {
        EXPECT_LE(line.size(), 80U) << line;
    }
}

TEST(ShowAudit, SaysSoWhereThereIsNothing) {
    EXPECT_EQ(show_answer({"audit"}, Json::object()), "nothing has been changed yet\n");
}

}  // namespace
}  // namespace appliance::cli
