#include "appliance/cli/parser.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "appliance/cli/command_table.hpp"
#include "appliance/cli/terminal/style.hpp"
#include "tests/appliance/cli/parse.hpp"

namespace appliance::cli {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

TEST(Parser, RunAndCheckTakeTheConfigurationsFile) {
    EXPECT_TRUE(parse({"run", "-c", "a.toml"})->command->is_daemon());
    EXPECT_TRUE(parse({"run", "--config", "a.toml"})->command->is_local());
    EXPECT_TRUE(parse({"check", "-c", "b.toml", "--json"})->common->json);
    EXPECT_THAT(refusal({"run"}), HasSubstr("--config is required; see gatehouse run -h\n"));
}

TEST(Parser, FenceTakesAllThatTheContractNames) {
    const Json fence = order_of({"fence", "web1", "web2", "--pool", "app", "--mode", "icmp", "--drain", "30s", "--for",
                                 "30m", "--why", "deploying 2.3"});
    EXPECT_EQ(fence, Json::parse(R"({"servers": ["web1", "web2"], "pool": "app", "mode": "icmp", "drain_ms": 30000,
        "for_ms": 1800000, "why": "deploying 2.3"})"));
}

TEST(Parser, AFenceReplacesAnothersAndAsksNothingWhereThatIsSaid) {
    EXPECT_FALSE(order_of({"fence", "web1"}).contains("replace"));
    EXPECT_EQ(order_of({"fence", "web1", "--replace"})["replace"], true);
    EXPECT_TRUE(parse({"fence", "web1", "--yes"})->common->yes);
    EXPECT_TRUE(parse({"maintenance", "on", "--yes"})->common->yes);
    EXPECT_TRUE(parse({"maintenance", "off", "--yes"})->common->yes);
}

TEST(Parser, AFenceLastsASecondAtLeast) {
    EXPECT_EQ(order_of({"fence", "web1", "--for", "1s"})["for_ms"], 1'000);
    EXPECT_THAT(refusal({"fence", "web1", "--for", "999ms"}), HasSubstr("--for: a fence lasts a second at least"));
}

TEST(Parser, DurationsMayHaveSeveralUnits) {
    EXPECT_EQ(order_of({"fence", "web1", "--for", "2h30m"})["for_ms"], 9'000'000);
    EXPECT_EQ(order_of({"maintenance", "on", "--until", "1h 59m"})["until"], "2026-11-22T15:59:00Z");
    EXPECT_EQ(request_of({"guard", "--for", "1h30m"}).path, "/v1/guard?for_ms=5400000");
    EXPECT_EQ(order_of({"deploy", "rolling", "--expires", "1d12h"})["expires_ms"], 129'600'000);
}

TEST(Parser, AFenceIsEitherDrainedOrKilledAndOfAKnownMode) {
    EXPECT_THAT(refusal({"fence", "web1", "--drain", "1s", "--kill"}), HasSubstr("--drain excludes --kill"));
    EXPECT_EQ(refusal({"fence", "web1", "--scope", "al"}),
              "gatehouse: --scope: unknown scope 'al', did you mean 'all'?; see gatehouse fence -h\n");
    EXPECT_EQ(order_of({"fence", "web1", "--scope", "all"})["scope"], "all");
    EXPECT_FALSE(order_of({"fence", "web1", "--scope", "new"}).contains("scope"));
    EXPECT_EQ(refusal({"fence", "web1", "--mode", "rest"}),
              "gatehouse: --mode: unknown mode 'rest', did you mean 'reset'?; see gatehouse fence -h\n");
    EXPECT_THAT(refusal({"fence"}), HasSubstr("SERVER is required"));
}

TEST(Parser, ACommandOfADeployIsReadBeforeAnythingIsSent) {
    for (const char* verb : {"rolling", "maintenance", "plan", "rollback"}) {
        EXPECT_TRUE(parse({"deploy", verb, "--run", "ssh {host} x"}).has_value()) << verb;
        EXPECT_THAT(refusal({"deploy", verb, "--run", "ssh {hots} x"}),
                    HasSubstr("--run: '{hots}' in the command names nothing; did you mean '{host}'?"));
    }
    EXPECT_THAT(refusal({"deploy", "rolling", "--rollback", "{sever}"}), HasSubstr("did you mean '{server}'?"));
    EXPECT_EQ(order_of({"deploy", "rollback", "--run", "ssh {host} x"})["run"], "ssh {host} x");
}

TEST(Parser, ADurationSaysHowToWriteIt) {
    EXPECT_EQ(
        refusal({"fence", "web1", "--drain", "30"}),
        "gatehouse: --drain: '30' is not a duration; write a number and a unit, such as 500ms, 2s, 30m or 2h30m; see "
        "gatehouse fence -h\n");
}

TEST(Parser, UnfenceMayWait) {
    EXPECT_EQ(parse({"unfence", "web1", "--wait", "60s"})->common->wait, core::Milliseconds(60s));
    EXPECT_FALSE(parse({"unfence", "web1"})->common->wait);
}

TEST(Parser, RulesAreWatchedOrPrintedAsNftOrAsJson) {
    EXPECT_TRUE(parse({"rules", "--watch", "--json"}));
    EXPECT_THAT(refusal({"rules", "--nft", "--json"}), HasSubstr("excludes"));
    EXPECT_THAT(refusal({"rules", "--nft", "--watch"}), HasSubstr("excludes"));
}

TEST(Parser, MaintenanceIsTurnedOnOffAndAskedFor) {
    EXPECT_EQ(order_of({"maintenance", "on", "app", "--message", "Back soon", "--until", "30m", "--why", "schema"}),
              Json::parse(R"({"on": true, "pool": "app", "message": "Back soon", "until": "2026-11-22T14:30:00Z",
        "why": "schema"})"));
    EXPECT_EQ(order_of({"maintenance", "off"}), Json::parse(R"({"on": false, "why": ""})"));
    EXPECT_THAT(refusal({"maintenance"}), HasSubstr("see gatehouse maintenance -h"));
}

TEST(Parser, UntilIsATimeOrADurationAndNeverPast) {
    EXPECT_EQ(order_of({"maintenance", "on", "--until", "2026-11-22T16:30:00+02:00"})["until"], "2026-11-22T14:30:00Z");
    EXPECT_THAT(refusal({"maintenance", "on", "--until", "2026-11-22T13:00:00Z"}), HasSubstr("is not in the future"));
    EXPECT_THAT(refusal({"maintenance", "on", "--until", "0s"}), HasSubstr("is not in the future"));
    EXPECT_THAT(refusal({"maintenance", "on", "--until", "noon"}), HasSubstr("'noon' is not a time"));
}

TEST(Parser, AWeightIsSetOrReset) {
    EXPECT_EQ(order_of({"weight", "web1", "web2", "--pool", "app", "--set", "256"}),
              Json::parse(R"({"servers": ["web1", "web2"], "pool": "app", "weight": 256, "why": ""})"));
    EXPECT_EQ(order_of({"weight", "web1", "--reset"})["reset"], true);
    for (const auto& wrong : std::vector<std::vector<const char*>>{{"weight", "web1"},
                                                                   {"weight", "--set", "2"},
                                                                   {"weight", "web1", "--set", "0"},
                                                                   {"weight", "web1", "--set", "257"},
                                                                   {"weight", "web1", "--set", "-1"},
                                                                   {"weight", "web1", "--set", "2", "--reset"}}) {
        EXPECT_THAT(refusal(wrong), HasSubstr("see gatehouse weight -h"));
    }
}

TEST(Parser, TheSocketIsNamedBeforeOrBehindTheCommandOrByTheEnvironment) {
    EXPECT_EQ(parse({"status"})->common->socket, "/run/gatehouse/control.sock");
    EXPECT_EQ(parse({"--socket", "/a", "status"})->common->socket, "/a");
    EXPECT_EQ(parse({"status", "app", "--socket", "/b"})->common->socket, "/b");
    EXPECT_EQ(parse({"maintenance", "status", "--socket", "/c"})->common->socket, "/c");
    ::setenv("GATEHOUSE_SOCKET", "/d", 1);
    EXPECT_EQ(parse({"status"})->common->socket, "/d");
    EXPECT_EQ(parse({"status", "--socket", "/e"})->common->socket, "/e");
    ::unsetenv("GATEHOUSE_SOCKET");
}

TEST(Parser, EveryReadingCommandTakesJsonAndEveryChangingOneAReason) {
    const std::vector<std::vector<const char*>> reading = {
        {"status"}, {"rules"}, {"maintenance", "status"}, {"check", "-c", "x"}};
    for (auto arguments : reading) {
        arguments.push_back("--json");
        EXPECT_TRUE(parse(arguments)) << arguments.front();
    }
    const std::vector<std::vector<const char*>> changing = {
        {"fence", "a"}, {"unfence", "a"}, {"maintenance", "on"},     {"maintenance", "off"},
        {"reload"},     {"upgrade"},      {"weight", "a", "--reset"}};
    for (auto arguments : changing) {
        arguments.insert(arguments.end(), {"--why", "because"});
        ASSERT_TRUE(parse(arguments)) << arguments.front();
        EXPECT_EQ(parse(arguments)->common->why, "because");
    }
}

TEST(Parser, NothingAndNonsenseAreWrongUsageInOneLine) {
    for (const auto& arguments :
         std::vector<std::vector<const char*>>{{}, {"fnce"}, {"status", "--colour"}, {"status", "a", "b"}}) {
        const auto line = refusal(arguments);
        EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1) << line;
        EXPECT_THAT(line, testing::StartsWith("gatehouse: "));
    }
}

TEST(Parser, AMistypedCommandNamesTheNearest) {
    EXPECT_EQ(refusal({"fnce", "web1"}),
              "gatehouse: unknown command 'fnce', did you mean 'fence'?; see gatehouse -h\n");
    EXPECT_EQ(refusal({"maintenance", "statsu"}),
              "gatehouse: unknown command 'statsu', did you mean 'status'?; see gatehouse maintenance -h\n");
    EXPECT_EQ(refusal({"maintenance"}), "gatehouse: name a command: on, off, status; see gatehouse maintenance -h\n");
    EXPECT_EQ(refusal({"--colour"}), "gatehouse: unknown option '--colour'; see gatehouse -h\n");
}

TEST(Parser, AMistypedOptionNamesTheNearest) {
    EXPECT_EQ(refusal({"fence", "web1", "--drian", "3s"}),
              "gatehouse: unknown option '--drian', did you mean '--drain'?; see gatehouse fence -h\n");
    EXPECT_EQ(refusal({"deploy", "rolling", "--min-helthy=2"}),
              "gatehouse: unknown option '--min-helthy=2', did you mean '--min-healthy'?; see gatehouse deploy rolling "
              "-h\n");
    EXPECT_THAT(refusal({"status", "--sokcet", "x"}), HasSubstr("did you mean '--socket'?"));
    EXPECT_EQ(refusal({"status", "--zzzzzz"}), "gatehouse: unknown option '--zzzzzz'; see gatehouse status -h\n");
    EXPECT_THAT(refusal({"status", "a", "b"}), HasSubstr("b"));
}

TEST(Parser, VersionIsPrintedAndDone) {
    const auto version = parse({"--version"});
    ASSERT_FALSE(version);
    EXPECT_EQ(version.error().code, 0);
    EXPECT_EQ(version.error().text, "gatehouse " GATEHOUSE_VERSION "\n");
}

TEST(Parser, EachCommandsHelpHasAnExampleAndFitsTheTerminal) {
    for (const Row& row : command_table()) {
        const std::string verb(row.verb);
        const auto space = verb.find(' ');
        const std::string first = verb.substr(0, space);
        Words words{first.c_str()};
        if (space != std::string::npos) {
            words.push_back(verb.c_str() + space + 1);
        }
        words.push_back("-h");
        const auto help = parse(words);
        ASSERT_FALSE(help);
        EXPECT_EQ(help.error().code, 0);
        EXPECT_THAT(help.error().text, HasSubstr("Example: gatehouse " + verb)) << verb;
        std::istringstream lines(help.error().text);
        for (std::string line; std::getline(lines, line);) {
            EXPECT_LE(columns(line), 80U) << verb << ": " << line;
        }
    }
    EXPECT_THAT(parse({"-h"}).error().text, HasSubstr("maintenance"));
}

TEST(Parser, ADaemonOnAnotherMachineIsNamedOnAnyCommand) {
    const std::string file = "/tmp/gatehouse-parser-token-" + std::to_string(::getpid());
    std::ofstream(file) << "gh_token\n";
    ::chmod(file.c_str(), 0640);
    const auto parsed =
        parse({"deploy", "status", "--host", "gate:9443", "--token-file", file.c_str(), "--ca", "ca.pem"});
    ASSERT_TRUE(parsed);
    ASSERT_TRUE(parsed->common->remote.has_value());
    EXPECT_EQ(parsed->common->remote->text(), "gate:9443");
    EXPECT_EQ(parsed->common->remote->token, "gh_token");
    EXPECT_EQ(parsed->common->remote->ca_file, "ca.pem");
    EXPECT_FALSE(parse({"status"})->common->remote.has_value());
    EXPECT_FALSE(parse({"check", "-c", "a.toml", "--host", "gate"})->common->remote.has_value());

    ::chmod(file.c_str(), 0644);
    EXPECT_THAT(refusal({"status", "--host", "gate", "--token-file", file.c_str()}), HasSubstr("chmod go="));
    ::chmod(file.c_str(), 0600);
    std::ofstream(file) << "two words";
    EXPECT_THAT(refusal({"status", "--host", "gate", "--token-file", file.c_str()}), HasSubstr("holds several words"));
    std::ofstream(file) << "\n";
    EXPECT_THAT(refusal({"status", "--host", "gate", "--token-file", file.c_str()}), HasSubstr("holds nothing"));
    ::unlink(file.c_str());
    EXPECT_THAT(refusal({"status", "--host", "a/b"}), HasSubstr("'a/b' is no host"));
    EXPECT_THAT(refusal({"status", "--host", "gate", "--cert", "a.pem"}), HasSubstr("--key"));
}

TEST(Parser, ATokenHasANameAndARole) {
    EXPECT_EQ(parse({"token", "ci", "--role", "admin", "--token-file", "ci.token"})->common->token_file, "ci.token");
    const Json admin = Json::parse(run_command({"token", "ci", "--role", "admin", "--json"}).out);
    EXPECT_EQ(admin["name"], "ci");
    EXPECT_EQ(admin["role"], "admin");
    EXPECT_EQ(Json::parse(run_command({"token", "ci", "--json"}).out)["role"], "operate");
    EXPECT_THAT(refusal({"token", "ci", "--role", "root"}), HasSubstr("root"));
    EXPECT_THAT(refusal({"token"}), HasSubstr("NAME"));
}

}  // namespace
}  // namespace appliance::cli
