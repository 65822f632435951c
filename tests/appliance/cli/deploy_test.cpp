#include "appliance/cli/deploy.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "appliance/cli/show_deploy.hpp"
#include "tests/appliance/cli/parse.hpp"

namespace appliance::cli {
namespace {

using testing::HasSubstr;

tl::expected<Options, Ending> parse_deploy(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "deploy");
    return parse(std::move(arguments));
}

TEST(Deploy, FlagsBecomeTheRecipesFields) {
    const auto options = parse_deploy(
        {"rolling",       "night",     "--pool",     "app",    "--run",     "ssh {host} x", "--batch", "25%",
         "--min-healthy", "2",         "--drain",    "10s",    "--servers", "web1,web2",    "--kill",  "--schema",
         "breaking",      "--dry-run", "--override", "I know", "--why",     "because"});
    ASSERT_TRUE(options.has_value()) << options.error().text;
    EXPECT_EQ(options->command, Command::deploy_rolling);
    EXPECT_EQ(options->recipe, "night");
    EXPECT_EQ(Json::parse(options->settings), (Json{{"pool", "app"},
                                                    {"run", "ssh {host} x"},
                                                    {"batch", "25%"},
                                                    {"min_healthy", 2},
                                                    {"drain", "10s"},
                                                    {"servers", {"web1", "web2"}},
                                                    {"kill", true},
                                                    {"schema", "breaking"}}));
    EXPECT_TRUE(options->dry_run);
    EXPECT_EQ(options->overridden, "I know");
}

TEST(Deploy, WhatIsNotGivenStaysTheRecipes) {
    EXPECT_EQ(parse_deploy({"maintenance", "night"})->settings, "");
}

TEST(Deploy, WrongValuesAreNamed) {
    EXPECT_THAT(parse_deploy({"rolling", "--drain", "soon"}).error().text, HasSubstr("--drain"));
    EXPECT_THAT(parse_deploy({"rolling", "--schema", "big"}).error().text,
                HasSubstr("'big' is none of none|compatible|breaking"));
    EXPECT_THAT(parse_deploy({"rolling", "--min-healthy", "257"}).error().text, HasSubstr("--min-healthy"));
    EXPECT_THAT(parse_deploy({"rollin"}).error().text, HasSubstr("did you mean 'rolling'"));
}

TEST(Deploy, TheOtherCommands) {
    EXPECT_EQ(parse_deploy({"plan", "--pool", "app", "--strategy", "maintenance"})->strategy, "maintenance");
    EXPECT_FALSE(parse_deploy({"plan", "--strategy", "quick"}).has_value());
    EXPECT_EQ(parse_deploy({"rollback", "--run", "undo"})->run, "undo");
    EXPECT_TRUE(parse_deploy({"resume", "--skip"})->skip);
    EXPECT_EQ(parse_deploy({"status", "3", "--watch"})->rollout, 3);
    EXPECT_EQ(parse_deploy({"history", "--last", "5"})->last, 5);
    EXPECT_EQ(parse_deploy({"abort"})->command, Command::deploy_abort);
    EXPECT_EQ(parse_deploy({"report"})->command, Command::deploy_report);
    EXPECT_TRUE(is_deploy(Command::deploy_report));
    EXPECT_FALSE(is_deploy(Command::upgrade));
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
