#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "appliance/cli/deploy/rollout_view.hpp"
#include "tests/appliance/api/unix_server.hpp"
#include "tests/appliance/cli/parse.hpp"

namespace appliance::cli {
namespace {

using testing::HasSubstr;

tl::expected<Invocation, Ending> parse_deploy(Words words) {
    words.insert(words.begin(), "deploy");
    return parse(std::move(words));
}

Json deploy_order(Words words) {
    words.insert(words.begin(), "deploy");
    return order_of(words);
}

TEST(Deploy, FlagsBecomeTheRecipesFields) {
    EXPECT_EQ(deploy_order({"rolling",    "night",     "--pool",        "app",      "--run",    "ssh {host} x",
                            "--batch",    "25%",       "--min-healthy", "2",        "--drain",  "10s",
                            "--servers",  "web1,web2", "--kill",        "--schema", "breaking", "--dry-run",
                            "--override", "I know",    "--why",         "because"}),
              (Json{{"pool", "app"},
                    {"run", "ssh {host} x"},
                    {"batch", "25%"},
                    {"min_healthy", 2},
                    {"drain", "10s"},
                    {"servers", {"web1", "web2"}},
                    {"kill", true},
                    {"schema", "breaking"},
                    {"strategy", "rolling"},
                    {"recipe", "night"},
                    {"dry_run", true},
                    {"override", "I know"},
                    {"why", "because"}}));
}

TEST(Deploy, WhatIsNotGivenStaysTheRecipes) {
    EXPECT_EQ(
        deploy_order({"maintenance", "night"}),
        (Json{{"strategy", "maintenance"}, {"recipe", "night"}, {"dry_run", false}, {"override", ""}, {"why", ""}}));
}

TEST(Deploy, WrongValuesAreNamed) {
    EXPECT_THAT(parse_deploy({"rolling", "--drain", "soon"}).error().text, HasSubstr("--drain"));
    EXPECT_THAT(parse_deploy({"rolling", "--schema", "big"}).error().text,
                HasSubstr("'big' is none of none|compatible|breaking"));
    EXPECT_THAT(parse_deploy({"rolling", "--min-healthy", "257"}).error().text, HasSubstr("--min-healthy"));
    EXPECT_THAT(parse_deploy({"rollin"}).error().text, HasSubstr("did you mean 'rolling'"));
}

TEST(Deploy, TheOtherCommands) {
    const Json plan = deploy_order({"plan", "--pool", "app", "--strategy", "maintenance"});
    EXPECT_EQ(plan["strategy"], "maintenance");
    EXPECT_EQ(plan["dry_run"], true);
    EXPECT_FALSE(parse_deploy({"plan", "--strategy", "quick"}).has_value());
    EXPECT_EQ(deploy_order({"rollback", "--run", "undo", "--why", "x"}),
              (Json{{"run", "undo"}, {"rolling", false}, {"dry_run", false}, {"why", "x"}}));
    EXPECT_EQ(deploy_order({"resume", "--skip"}), (Json{{"skip", true}, {"why", ""}}));
    EXPECT_EQ(request_of({"deploy", "pause"}).path, "/v1/deploy/pause");
    EXPECT_EQ(request_of({"deploy", "abort"}).path, "/v1/deploy/abort");
    EXPECT_EQ(request_of({"deploy", "status", "3", "--watch"}).path, "/v1/deploy?id=3");
    EXPECT_EQ(request_of({"deploy", "history", "--last", "5"}).path, "/v1/deploy/history?last=5");
    EXPECT_EQ(request_of({"deploy", "report"}).path, "/v1/deploy/report?id=0");
}

TEST(Deploy, ThePlanBeforeAConsentIsAskedForWithTheReasonToo) {
    tests::UnixServer server(
        {{200, R"({"id": 0, "strategy": "rolling", "commands": [{"purpose": "run", "server": "web1",
        "host": "10.0.0.11", "port": 80, "command": "restart", "source": "the daemon's file"}]})"}});
    const Outcome outcome = run_command({"deploy", "rolling", "night", "--why", "release 2.3"}, server.path());
    EXPECT_EQ(outcome.code, 1);
    EXPECT_THAT(outcome.err, HasSubstr("nothing was run: you have not agreed to these commands"));
    EXPECT_THAT(server.stop().front(), HasSubstr("\"dry_run\":true"));
    EXPECT_THAT(server.stop().front(), HasSubstr("\"why\":\"release 2.3\""));
}

TEST(Deploy, NoLineOfTheHelpIsWiderThanEightyColumns) {
    for (const char* command :
         {"plan", "rolling", "maintenance", "rollback", "status", "pause", "resume", "abort", "history", "report"}) {
        std::istringstream help(parse_deploy({command, "-h"}).error().text);
        for (std::string line; std::getline(help, line);) {
            EXPECT_LE(line.size(), 80U) << line;
        }
    }
}

const Json sample = {{"id", 3},
                     {"strategy", "rolling"},
                     {"pool", "app"},
                     {"state", "paused"},
                     {"state_why", "verify web2: status 500 and not 200"},
                     {"who", "ann"},
                     {"why", "release 2.3"},
                     {"created", "2026-11-22T14:00:00Z"},
                     {"took_ms", 4200},
                     {"held", {"web2"}},
                     {"settings", {{"drain", "30s"}, {"run", "ssh {host} restart"}, {"run_timeout", "15m"}}},
                     {"steps",
                      {{{"id", 0}, {"kind", "fence"}, {"servers", {"web2"}}, {"progress", "done"}, {"took_ms", 8}},
                       {{"id", 1},
                        {"kind", "verify"},
                        {"servers", {"web2"}},
                        {"progress", "failed"},
                        {"evidence", "status 500 and not 200"},
                        {"took_ms", 3},
                        {"visitors",
                         {{"requests", 1234},
                          {"status", {{"5xx", 2}}},
                          {"broken", 1},
                          {"retried", 4},
                          {"latency", {{"p50_ms", 1.25}, {"p99_ms", 8.0}}}}}}}}};

TEST(Deploy, ARolloutShowsWhereItStandsAndWhy) {
    const std::string shown = show_rollout(sample, core::WallTime(), {});
    EXPECT_THAT(shown, HasSubstr("rollout 3: rolling deploy of app"));
    EXPECT_THAT(shown, HasSubstr("paused: verify web2: status 500 and not 200"));
    EXPECT_THAT(shown, HasSubstr("1 of 2 steps finished"));
}

TEST(Deploy, APausedEndSaysWhatToDo) {
    const std::string shown = show_end(sample, {});
    EXPECT_THAT(shown, HasSubstr("fenced: web2"));
    EXPECT_THAT(shown, HasSubstr("gatehouse deploy resume"));
}

TEST(Deploy, AReportHasWhatVisitorsDid) {
    EXPECT_THAT(show_report(sample, core::WallTime(), {}), HasSubstr("3 failed, 4 retried, p50 1.2 ms"));
}

TEST(Deploy, NoLineIsWiderThanTheTerminal) {
    for (const std::string& shown :
         {show_rollout(sample, core::WallTime(), {}), show_end(sample, {}), show_plan(sample, {}),
          show_report(sample, core::WallTime(), {}), show_history({{"rollouts", {sample}}}, core::WallTime(), {})}) {
        std::size_t begin = 0;
        for (auto end = shown.find('\n'); end != std::string::npos; begin = end + 1, end = shown.find('\n', begin)) {
            EXPECT_LE(end - begin, 80U) << shown;
        }
    }
}

}  // namespace
}  // namespace appliance::cli
