#include "appliance/cli/deploy/watch_rollout.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/appliance/api/unix_server.hpp"

namespace appliance::cli {
namespace {

using testing::HasSubstr;
using tests::UnixServer;

// Servers in turn: the first `finished` are done, `busy` are under way, the rest is to come.
Json watched(int servers, int finished, int busy) {
    Json rollout{{"id", 3},         {"strategy", "rolling"}, {"pool", "app"},         {"state", "running"},
                 {"state_why", ""}, {"who", "ann"},          {"steps", Json::array()}};
    for (int server = 0; server < servers; ++server) {
        for (const char* kind : {"run", "verify", "open"}) {
            const char* progress = server < finished            ? "done"
                                   : server >= finished + busy  ? "pending"
                                   : std::string(kind) == "run" ? "running"
                                                                : "pending";
            rollout["steps"].push_back({{"id", rollout["steps"].size()},
                                        {"kind", kind},
                                        {"servers", {"production-web-" + std::to_string(server)}},
                                        {"progress", progress},
                                        {"evidence", progress == std::string("running") ? "laptop:1:2" : ""}});
        }
    }
    return rollout;
}

std::vector<std::string> lines_on(const std::string& screen) {
    std::vector<std::string> lines;
    std::istringstream in(screen);
    for (std::string line; std::getline(in, line);) {
        lines.push_back(line);
    }
    return lines;
}

TEST(Screen, HasWhatIsUnderWayAndFoldsTheRest) {
    EXPECT_EQ(show_screen(watched(4, 2, 1), {}, 23),
              "rollout 3: rolling deploy of app, by ann\n"
              "  running\n"
              "  6 of 12 steps finished\n"
              "    7  run      production-web-2: running, by process 1 on laptop\n"
              "  done (2): production-web-0, production-web-1\n"
              "  to come (1): production-web-3\n");
}

TEST(Screen, FitsTheTerminalHoweverManyServersThereAre) {
    for (const auto& [servers, finished, busy] :
         std::vector<std::tuple<int, int, int>>{{100, 50, 1}, {100, 0, 100}, {100, 10, 80}, {18, 0, 18}, {19, 0, 19}}) {
        for (const std::size_t rows : {23U, 10U, 3U}) {
            const auto lines = lines_on(show_screen(watched(servers, finished, busy), {}, rows));
            EXPECT_LE(lines.size(), rows);
            for (const std::string& line : lines) {
                EXPECT_LE(columns(line), 80U) << line;
            }
        }
    }
    EXPECT_THAT(show_screen(watched(100, 0, 100), {}, 23), HasSubstr("  and 81 more steps under way\n"));
    EXPECT_THAT(show_screen(watched(100, 50, 1), {}, 23), HasSubstr("done (50): production-web-0, "));
    EXPECT_THAT(show_screen(watched(100, 50, 1), {}, 23), HasSubstr(" and 47 more\n"));
}

TEST(Screen, ShowsWhatHasFailedFirst) {
    Json rollout = watched(30, 0, 30);
    rollout["steps"][60]["progress"] = "failed";
    rollout["steps"][60]["evidence"] = "exit code 1\x1b[2J";
    EXPECT_THAT(show_screen(rollout, {}, 10),
                HasSubstr("   61  run      production-web-20: failed, exit code 1?[2J\n"));
}

TEST(WatchRollout, PrintsEachLineOfTheJournalOnceWithoutATerminal) {
    const std::string running = watched(1, 0, 1).dump();
    Json ended = watched(1, 1, 0);
    ended["state"] = "done";
    UnixServer server(
        {{200, running},
         {200, R"({"journal": [{"number": 1, "time": "2026-11-22T14:00:01Z", "kind": "state", "text": "begun"}]})"},
         {200, ended.dump()},
         {200, R"({"journal": [{"number": 2, "time": "2026-11-22T14:00:02Z", "kind": "output", "text": "a\nb\n"}]})"},
         {200, ended.dump()},
         {200, R"({"journal": []})"}});
    testing::internal::CaptureStdout();
    const int code =
        watch_rollout(api::Client(server.path()), 0, false, [](const Outcome& outcome) { return outcome.code; });
    EXPECT_EQ(testing::internal::GetCapturedStdout(), "14:00:01  begun\n          | a\n          | b\n");
    EXPECT_EQ(code, 0);
    EXPECT_THAT(server.stop().at(3), HasSubstr("after=1"));
}

}  // namespace
}  // namespace appliance::cli
