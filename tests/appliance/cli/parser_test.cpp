#include "appliance/cli/parser.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "appliance/cli/style.hpp"
#include "tests/appliance/cli/parse.hpp"

namespace appliance::cli {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

TEST(Parser, RunAndCheckTakeTheConfigurationsFile) {
    EXPECT_EQ(parse({"run", "-c", "a.toml"})->command, Command::run);
    EXPECT_EQ(parse({"run", "--config", "a.toml"})->config, "a.toml");
    const auto check = parse({"check", "-c", "b.toml", "--json"});
    EXPECT_EQ(check->command, Command::check);
    EXPECT_EQ(check->config, "b.toml");
    EXPECT_TRUE(check->json);
    EXPECT_THAT(refusal({"run"}), HasSubstr("--config is required; see gatehouse run -h\n"));
}

TEST(Parser, FenceTakesAllThatTheContractNames) {
    const auto fence = parse({"fence", "web1", "web2", "--pool", "app", "--mode", "icmp", "--drain", "30s", "--for",
                              "30m", "--why", "deploying 2.3"});
    ASSERT_TRUE(fence) << fence.error().text;
    EXPECT_EQ(fence->command, Command::fence);
    EXPECT_THAT(fence->servers, testing::ElementsAre("web1", "web2"));
    EXPECT_EQ(fence->pool, "app");
    EXPECT_EQ(fence->mode, "icmp");
    EXPECT_EQ(fence->end, FenceEnd::drain);
    EXPECT_EQ(fence->drain, 30s);
    EXPECT_EQ(fence->lasts, core::Milliseconds(30min));
    EXPECT_EQ(fence->why, "deploying 2.3");
    EXPECT_EQ(parse({"fence", "web1", "--kill"})->end, FenceEnd::kill);
    EXPECT_EQ(parse({"fence", "web1"})->end, FenceEnd::let_be);
}

TEST(Parser, AFenceReplacesAnothersAndAsksNothingWhereThatIsSaid) {
    EXPECT_FALSE(parse({"fence", "web1"})->replace);
    EXPECT_TRUE(parse({"fence", "web1", "--replace"})->replace);
    EXPECT_TRUE(parse({"fence", "web1", "--yes"})->yes);
    EXPECT_TRUE(parse({"maintenance", "on", "--yes"})->yes);
    EXPECT_TRUE(parse({"maintenance", "off", "--yes"})->yes);
}

TEST(Parser, AFenceLastsASecondAtLeast) {
    EXPECT_EQ(parse({"fence", "web1", "--for", "1s"})->lasts, core::Milliseconds(1s));
    EXPECT_THAT(refusal({"fence", "web1", "--for", "999ms"}), HasSubstr("--for: a fence lasts a second at least"));
}

TEST(Parser, DurationsMayHaveSeveralUnits) {
    EXPECT_EQ(parse({"fence", "web1", "--for", "2h30m"})->lasts, core::Milliseconds(150min));
    EXPECT_EQ(parse({"maintenance", "on", "--until", "1h 59m"})->until, now + 119min);
    EXPECT_EQ(parse({"guard", "--for", "1h30m"})->lasts, core::Milliseconds(90min));
    EXPECT_EQ(parse({"deploy", "rolling", "--expires", "1d12h"})->lasts, core::Milliseconds(36h));
}

TEST(Parser, AFenceIsEitherDrainedOrKilledAndOfAKnownMode) {
    EXPECT_THAT(refusal({"fence", "web1", "--drain", "1s", "--kill"}), HasSubstr("--drain excludes --kill"));
    EXPECT_EQ(refusal({"fence", "web1", "--scope", "al"}),
              "gatehouse: --scope: unknown scope 'al', did you mean 'all'?; see gatehouse fence -h\n");
    EXPECT_TRUE(parse({"fence", "web1", "--scope", "all"})->all_packets);
    EXPECT_FALSE(parse({"fence", "web1", "--scope", "new"})->all_packets);
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
    EXPECT_EQ(parse({"deploy", "rollback", "--run", "ssh {host} x"})->run, "ssh {host} x");
}

TEST(Parser, ADurationSaysHowToWriteIt) {
    EXPECT_EQ(
        refusal({"fence", "web1", "--drain", "30"}),
        "gatehouse: --drain: '30' is not a duration; write a number and a unit, such as 500ms, 2s, 30m or 2h30m; see "
        "gatehouse fence -h\n");
}

TEST(Parser, UnfenceMayWait) {
    EXPECT_EQ(parse({"unfence", "web1", "--wait", "60s"})->wait, core::Milliseconds(60s));
    EXPECT_FALSE(parse({"unfence", "web1"})->wait);
}

TEST(Parser, RulesAreWatchedOrPrintedAsNftOrAsJson) {
    EXPECT_TRUE(parse({"rules", "--watch"})->watch);
    EXPECT_TRUE(parse({"rules", "--nft"})->nft);
    EXPECT_TRUE(parse({"rules", "--json"})->json);
    EXPECT_THAT(refusal({"rules", "--nft", "--json"}), HasSubstr("excludes"));
}

TEST(Parser, MaintenanceIsTurnedOnOffAndAskedFor) {
    const auto on = parse({"maintenance", "on", "app", "--message", "Back soon", "--until", "30m", "--why", "schema"});
    ASSERT_TRUE(on) << on.error().text;
    EXPECT_EQ(on->command, Command::maintenance_on);
    EXPECT_EQ(on->pool, "app");
    EXPECT_EQ(on->message, "Back soon");
    EXPECT_EQ(on->until, now + 30min);
    EXPECT_EQ(parse({"maintenance", "off"})->command, Command::maintenance_off);
    EXPECT_EQ(parse({"maintenance", "status", "--json"})->command, Command::maintenance_status);
    EXPECT_THAT(refusal({"maintenance"}), HasSubstr("see gatehouse maintenance -h"));
}

TEST(Parser, UntilIsATimeOrADurationAndNeverPast) {
    EXPECT_EQ(parse({"maintenance", "on", "--until", "2026-11-22T16:30:00+02:00"})->until, now + 30min);
    EXPECT_THAT(refusal({"maintenance", "on", "--until", "2026-11-22T13:00:00Z"}), HasSubstr("is not in the future"));
    EXPECT_THAT(refusal({"maintenance", "on", "--until", "0s"}), HasSubstr("is not in the future"));
    EXPECT_THAT(refusal({"maintenance", "on", "--until", "noon"}), HasSubstr("'noon' is not a time"));
}

TEST(Parser, AWeightIsSetOrReset) {
    const auto set = parse({"weight", "web1", "web2", "--pool", "app", "--set", "256"});
    ASSERT_TRUE(set);
    EXPECT_EQ(set->command, Command::weight);
    EXPECT_EQ(set->servers, (std::vector<std::string>{"web1", "web2"}));
    EXPECT_EQ(set->pool, "app");
    EXPECT_EQ(set->weight, 256U);
    EXPECT_FALSE(parse({"weight", "web1", "--reset"})->weight);
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
    EXPECT_EQ(parse({"status"})->socket, "/run/gatehouse/control.sock");
    EXPECT_EQ(parse({"--socket", "/a", "status"})->socket, "/a");
    EXPECT_EQ(parse({"status", "app", "--socket", "/b"})->socket, "/b");
    EXPECT_EQ(parse({"maintenance", "status", "--socket", "/c"})->socket, "/c");
    ::setenv("GATEHOUSE_SOCKET", "/d", 1);
    EXPECT_EQ(parse({"status"})->socket, "/d");
    EXPECT_EQ(parse({"status", "--socket", "/e"})->socket, "/e");
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
        EXPECT_EQ(parse(arguments)->why, "because");
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
    const std::vector<std::vector<const char*>> commands = {{"run"},
                                                            {"check"},
                                                            {"status"},
                                                            {"fence"},
                                                            {"unfence"},
                                                            {"rules"},
                                                            {"weight"},
                                                            {"maintenance"},
                                                            {"reload"},
                                                            {"upgrade"},
                                                            {"maintenance", "on"},
                                                            {"maintenance", "off"},
                                                            {"maintenance", "status"}};
    for (auto arguments : commands) {
        const std::string name = arguments.back();
        arguments.push_back("-h");
        const auto help = parse(arguments);
        ASSERT_FALSE(help);
        EXPECT_EQ(help.error().code, 0);
        EXPECT_THAT(help.error().text, HasSubstr("Example: gatehouse ")) << name;
        std::istringstream lines(help.error().text);
        for (std::string line; std::getline(lines, line);) {
            EXPECT_LE(columns(line), 80U) << name << ": " << line;
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
    ASSERT_TRUE(parsed->remote.has_value());
    EXPECT_EQ(parsed->remote->text(), "gate:9443");
    EXPECT_EQ(parsed->remote->token, "gh_token");
    EXPECT_EQ(parsed->remote->ca_file, "ca.pem");
    EXPECT_FALSE(parse({"status"})->remote.has_value());
    EXPECT_FALSE(parse({"check", "-c", "a.toml", "--host", "gate"})->remote.has_value());

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
    const auto parsed = parse({"token", "ci", "--role", "admin", "--token-file", "ci.token"});
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->command, Command::token);
    EXPECT_EQ(parsed->name + " " + parsed->role + " " + parsed->token_file, "ci admin ci.token");
    EXPECT_EQ(parse({"token", "ci"})->role, "operate");
    EXPECT_THAT(refusal({"token", "ci", "--role", "root"}), HasSubstr("root"));
    EXPECT_THAT(refusal({"token"}), HasSubstr("NAME"));
}

}  // namespace
}  // namespace appliance::cli
