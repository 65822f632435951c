// `gatehouse upgrade` against a daemon that gives prepared answers.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/appliance/api/unix_server.hpp"
#include "tests/appliance/cli/parse.hpp"

namespace appliance::cli {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using tests::UnixServer;

constexpr const char* begun = R"({"number": 2, "from": "0.1", "to": "0.2", "proxy": 7})";
constexpr const char* done_answer = R"({"upgrade": {"state": "done", "number": 2, "from": "0.1", "to": "0.2",
    "proxy_before": 7, "proxy": 9, "error": null, "who": "ann", "why": "x"}})";
constexpr const char* failed_answer = R"({"upgrade": {"state": "failed", "number": 2, "from": "0.1", "to": "0.2",
    "proxy_before": 7, "proxy": 7, "error": "it died", "who": "ann", "why": "x"}})";

Outcome ask(UnixServer& server, bool as_json = false) {
    Words words{"upgrade", "--wait", "5s"};
    if (as_json) {
        words.push_back("--json");
    }
    return run_command(words, server.path());
}

TEST(Upgrade, WaitsUntilTheNewVersionServesAndSaysSoInOneLine) {
    UnixServer server({{202, begun},
                       {200, R"({"upgrade": null})"},
                       {200, R"({"upgrade": {"state": "done", "number": 1}})"},
                       {200, R"({"upgrade": {"state": "begun", "number": 2}})"},
                       {200, done_answer}});
    const Outcome outcome = ask(server);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_EQ(outcome.out, "upgraded: 0.1 (proxy 7) -> 0.2 (proxy 9)\n");
    EXPECT_EQ(outcome.err, "");
}

TEST(Upgrade, PrintsWhatStatusSaysAsJson) {
    UnixServer server({{202, begun}, {200, done_answer}});
    EXPECT_EQ(json::parse(ask(server, true).out), json::parse(done_answer)["upgrade"]);
}

TEST(Upgrade, ThatIsRefusedIsCodeOneWithTheReason) {
    UnixServer server(
        {{409, R"({"error": {"what": "cannot upgrade to /usr/bin/gatehouse", "why": "no", "mend": "x"}})"}});
    const Outcome outcome = ask(server);
    EXPECT_EQ(outcome.code, 1);
    EXPECT_EQ(outcome.err, "gatehouse: cannot upgrade to /usr/bin/gatehouse: no; x\n");
}

TEST(Upgrade, ThatWasGivenUpIsCodeOneAndSaysWhichVersionGoesOn) {
    UnixServer server({{202, begun}, {200, failed_answer}});
    const Outcome outcome = ask(server);
    EXPECT_EQ(outcome.code, 1);
    EXPECT_THAT(outcome.err, HasSubstr("version 0.1 goes on: it died"));
    EXPECT_EQ(outcome.out, "");
}

TEST(Upgrade, IsCodeFourWhenItsWaitRunsOut) {
    UnixServer server({{202, begun}});
    const Outcome outcome = run_command({"upgrade", "--wait", "0s"}, server.path());
    EXPECT_EQ(outcome.code, 4);
    // The new version may well serve a moment later.
    EXPECT_THAT(outcome.err, HasSubstr("the upgrade goes on without this command"));
}

}  // namespace
}  // namespace appliance::cli
