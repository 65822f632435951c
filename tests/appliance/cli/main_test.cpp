// The whole command line against a real socket: what is asked, what is printed where, and the exit code.
#include "appliance/cli/main.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/appliance/api/unix_server.hpp"

namespace appliance::cli {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;
using tests::Prepared;
using tests::UnixServer;

struct Ran {
    int code = -1;
    std::string out;
    std::string err;
};

Ran run(std::vector<const char*> arguments, const Commands& hooks = {}) {
    arguments.insert(arguments.begin(), "gatehouse");
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    Ran ran;
    ran.code = cli::main(static_cast<int>(arguments.size()), arguments.data(), hooks);
    ran.out = testing::internal::GetCapturedStdout();
    ran.err = testing::internal::GetCapturedStderr();
    return ran;
}

// Runs a command against a daemon that gives these answers.
Ran ask(UnixServer& server, std::vector<const char*> arguments) {
    const std::string socket = server.path();
    arguments.insert(arguments.end(), {"--socket", socket.c_str()});
    return run(arguments);
}

json body_of(const std::string& request) {
    return json::parse(request.substr(request.find("\r\n\r\n") + 4));
}

const char* const two_pools =
    R"({"version": "0.1.0", "listeners": [{"name": "web", "pool": "app"}, {"name": "c", "pool": "chat"}],
    "pools": [{"name": "app", "backends": []}, {"name": "chat", "backends": []}]})";

TEST(Main, RunHandsTheFileToTheHookAndPassesItsCodeOn) {
    std::string got;
    const Commands hooks{.run = [&got](const std::string& config) {
        got = config;
        return 7;
    }};
    EXPECT_EQ(run({"run", "-c", "a.toml"}, hooks).code, 7);
    EXPECT_EQ(got, "a.toml");
}

TEST(Main, WithoutADaemonEveryCommandThatNeedsOneIsCodeThreeAndOneLine) {
    for (const auto& command : std::vector<std::vector<const char*>>{{"status"},
                                                                     {"rules"},
                                                                     {"rules", "--watch"},
                                                                     {"fence", "a"},
                                                                     {"unfence", "a"},
                                                                     {"maintenance", "on"},
                                                                     {"upgrade"},
                                                                     {"reload"}}) {
        auto arguments = command;
        arguments.insert(arguments.end(), {"--socket", "/nonexistent/control.sock"});
        const Ran ran = run(arguments);
        EXPECT_EQ(ran.code, 3) << command.front();
        EXPECT_EQ(ran.out, "");
        EXPECT_EQ(std::count(ran.err.begin(), ran.err.end(), '\n'), 1) << ran.err;
        EXPECT_THAT(ran.err, HasSubstr("is gatehouse running?"));
    }
}

TEST(Main, WrongUsageIsCodeTwo) {
    const Ran ran = run({"fence"});
    EXPECT_EQ(ran.code, 2);
    EXPECT_EQ(ran.out, "");
    EXPECT_THAT(ran.err, HasSubstr("see gatehouse fence -h"));
}

TEST(Main, StatusPrintsTablesOrJson) {
    UnixServer server({{200, two_pools}});
    const Ran table = ask(server, {"status"});
    EXPECT_EQ(table.code, 0);
    EXPECT_THAT(table.out, HasSubstr("POOL app"));
    const Ran text = ask(server, {"status", "--json"});
    EXPECT_EQ(json::parse(text.out), json::parse(two_pools));
}

TEST(Main, StatusOfOnePoolLeavesTheOthersOut) {
    UnixServer server({{200, two_pools}});
    const json one = json::parse(ask(server, {"status", "chat", "--json"}).out);
    EXPECT_EQ(one["pools"].size(), 1U);
    EXPECT_EQ(one["pools"][0]["name"], "chat");
    EXPECT_EQ(one["listeners"].size(), 1U);
    const Ran none = ask(server, {"status", "cat"});
    EXPECT_EQ(none.code, 1);
    EXPECT_EQ(none.err, "gatehouse: no pool 'cat'; did you mean 'chat'?\n");
}

TEST(Main, ARefusalIsCodeOneWithItsReason) {
    UnixServer server(
        {{200, two_pools},
         {404,
          R"({"error": {"what": "no server 'web9'", "why": "not in the configuration", "mend": "servers: web1"}})"}});
    const Ran ran = ask(server, {"fence", "web9", "--why", "test"});
    EXPECT_EQ(ran.code, 1);
    EXPECT_EQ(ran.err, "gatehouse: no server 'web9': not in the configuration; servers: web1\n");
    EXPECT_THAT(server.stop().at(0), StartsWith("GET /v1/status "));
    EXPECT_THAT(server.stop().at(1), StartsWith("POST /v1/fence "));
    EXPECT_EQ(body_of(server.stop().at(1))["why"], "test");
}

TEST(Main, ARefusalWithoutAReasonNamesTheStatus) {
    UnixServer server({{500, "<html>", "text/html"}});
    const Ran ran = ask(server, {"status"});
    EXPECT_EQ(ran.code, 1);
    EXPECT_EQ(ran.err, "gatehouse: the daemon answered 500 and no reason; look at its log\n");
}

TEST(Main, AnInvalidConfigurationIsCodeTwoWithEachProblemOnItsLine) {
    UnixServer server({{422, R"({"error": {"what": "the configuration is invalid", "mend": "nothing was changed"},
                                "problems": ["g.toml:1:1: a", "g.toml:2:1: b"]})"}});
    const Ran ran = ask(server, {"reload"});
    EXPECT_EQ(ran.code, 2);
    EXPECT_EQ(ran.err, "gatehouse: the configuration is invalid; nothing was changed\ng.toml:1:1: a\ng.toml:2:1: b\n");
}

TEST(Main, AWaitThatRanOutIsCodeFour) {
    UnixServer server({{200, two_pools},
                       {504, R"({"error": {"what": "not drained", "why": "2 exchanges in flight"}})"},
                       {200, two_pools},
                       {200, R"({"fences": [], "drained": false, "in_flight": 2})"},
                       {200, two_pools},
                       {200, R"({"fences": [], "drained": false, "in_flight": null})"},
                       {200, R"({"lifted": 1, "passed": false})"}});
    EXPECT_EQ(ask(server, {"fence", "web1", "--drain", "1s"}).code, 4);
    const Ran fence = ask(server, {"fence", "web1", "--drain", "1s"});
    EXPECT_EQ(fence.code, 4);
    EXPECT_THAT(fence.err, HasSubstr("not drained within 1s: 2 in flight"));
    EXPECT_THAT(ask(server, {"fence", "web1", "--drain", "1s"}).err,
                HasSubstr("not drained within 1s: how many are in flight is not known: the proxy does not answer"));
    EXPECT_EQ(ask(server, {"unfence", "web1", "--wait", "1s"}).code, 4);
    // Without a wait, the same answer is no failure.
    EXPECT_EQ(ask(server, {"unfence", "web1"}).code, 0);
}

TEST(Main, AChangeNamesThePersonThatClaimsToMakeIt) {
    ::setenv("SUDO_USER", "ada", 1);
    UnixServer server({{200, R"({"changed": []})"}});
    EXPECT_EQ(ask(server, {"reload"}).out, "nothing has changed\n");
    EXPECT_EQ(body_of(server.stop().front())["claimed_by"], "ada");
    ::unsetenv("SUDO_USER");
}

TEST(Main, RulesAsNftArePassedOnAsTheyAre) {
    UnixServer server({{200, "table inet gatehouse {\n}\n", "text/plain"}});
    EXPECT_EQ(ask(server, {"rules", "--nft"}).out, "table inet gatehouse {\n}\n");
    EXPECT_THAT(server.stop().front(), StartsWith("GET /v1/rules?format=nft "));
}

TEST(Main, RulesAreWatchedUntilTheDaemonGoesAway) {
    UnixServer server({{200, R"({"table": "inet gatehouse", "fences": []})"}, {0, ""}});
    const Ran ran = ask(server, {"rules", "--watch"});
    EXPECT_EQ(ran.code, 3);
    EXPECT_EQ(ran.out, "table inet gatehouse: no fence in the kernel\n");
}

TEST(Main, AnAnswerThatIsNoJsonIsAFailure) {
    UnixServer server({{200, "hello", "text/plain"}, {200, "[1]"}});
    EXPECT_EQ(ask(server, {"status"}).code, 1);
    EXPECT_EQ(ask(server, {"status"}).code, 1);
}

TEST(Main, TheDaemonsTextCannotTouchTheTerminal) {
    UnixServer server({{200, two_pools}, {409, R"({"error": {"what": "no\u001b[2J\nsecond line"}})"}});
    EXPECT_EQ(ask(server, {"fence", "a"}).err, "gatehouse: no?[2J?second line\n");
}

TEST(Main, WhatTheDaemonHasToSayOfAChangeIsOnStandardErrorLineByLine) {
    UnixServer server(
        {{200, two_pools}, {200, R"({"fences": [], "notes": ["kept ada's fence", "use --replace", 7]})"}});
    const Ran ran = ask(server, {"fence", "web1"});
    EXPECT_EQ(ran.code, 0);
    EXPECT_EQ(ran.err, "kept ada's fence\nuse --replace\n");
}

const char* const last_of_app =
    R"({"listeners": [{"name": "web", "pool": "app", "mode": "http"}], "pools": [{"name": "app", "state": "serving",
    "backends": [{"server": "web1", "address": "10.0.0.11:80", "state": "up", "weight": 1},
                 {"server": "web2", "address": "10.0.0.12:80", "state": "down", "weight": 1}]},
    {"name": "chat", "state": "serving", "backends": []}]})";

TEST(Main, FencingTheLastServerWarnsAndGoesOnWithoutATerminal) {
    UnixServer server({{200, last_of_app}, {200, R"({"fences": []})"}});
    const Ran ran = ask(server, {"fence", "web1"});
    EXPECT_EQ(ran.code, 0);
    EXPECT_EQ(ran.err,
              "gatehouse: warning: web1 is the last server of app that can serve: visitors will see the maintenance "
              "page\n");
    EXPECT_THAT(server.stop().back(), StartsWith("POST /v1/fence "));
}

TEST(Main, MaintenanceWithoutAPoolNamesAllThatItTouches) {
    UnixServer server({{200, last_of_app}, {200, R"({"pools": []})"}});
    const Ran ran = ask(server, {"maintenance", "on"});
    EXPECT_EQ(ran.code, 0);
    EXPECT_THAT(ran.err, HasSubstr("for all of them: app, chat"));
    EXPECT_THAT(server.stop().back(), StartsWith("POST /v1/maintenance "));
}

TEST(Main, AWeightThatChangesNothingSaysSo) {
    UnixServer server({{200, last_of_app},
                       {200, R"({"weights": [{"server": "web1", "pool": "app", "weight": 1, "by_hand": true}]})"}});
    EXPECT_EQ(ask(server, {"weight", "web1", "--set", "1"}).out,
              "web1 in app: weight 1, until it is reset; that is what it was, so nothing changes. Beside it: web2 1\n");
}

TEST(Main, CheckSumsUpAGoodFileAndListsTheProblemsOfABadOne) {
    std::string pattern = (std::filesystem::temp_directory_path() / "gatehouse-check-XXXXXX").string();
    const std::filesystem::path folder = ::mkdtemp(pattern.data());
    const std::string file = folder / "g.toml";
    std::ofstream(file) << "[listen.web]\naddress = \"0.0.0.0:80\"\npool = \"app\"\n[server.a]\nhost = \"10.0.0.1\"\n"
                           "[pool.app]\nport = 80\nservers = [\"a\"]\n";
    const Ran good = run({"check", "-c", file.c_str()});
    EXPECT_EQ(good.code, 0);
    EXPECT_THAT(good.out, StartsWith(file + ": valid: 1 listener, 1 server, 1 pool, 1 backend\n"));
    EXPECT_THAT(good.out, HasSubstr("\nconnections to one server: at most "));
    std::ofstream(file, std::ios::app) << "source = [\"127.0.0.2\", \"127.0.0.3\"]\n";
    EXPECT_THAT(run({"check", "-c", file.c_str()}).out, HasSubstr(" (from 2 addresses of "));
    const json ports = json::parse(run({"check", "-c", file.c_str(), "--json"}).out)["ports"];
    const std::int64_t each = ports["last"].get<std::int64_t>() - ports["first"].get<std::int64_t>() + 1;
    EXPECT_EQ(ports["pools"][0]["connections_per_server"], 2 * each);
    std::ofstream(file, std::ios::app) << "x = 1\ncheck = { fall = 0 }\n";
    const Ran bad = run({"check", "-c", file.c_str(), "--json"});
    EXPECT_EQ(bad.code, 2);
    EXPECT_EQ(std::count(bad.err.begin(), bad.err.end(), '\n'), 2) << bad.err;
    const json list = json::parse(bad.out);
    EXPECT_EQ(list["valid"], false);
    EXPECT_EQ(list["problems"][0]["line"], 10);
    std::filesystem::remove_all(folder);
    EXPECT_EQ(run({"check", "-c", file.c_str()}).code, 2);
}

TEST(Main, CheckRefusesASourceAddressThatThisMachineDoesNotHave) {
    std::string pattern = (std::filesystem::temp_directory_path() / "gatehouse-check-XXXXXX").string();
    const std::filesystem::path folder = ::mkdtemp(pattern.data());
    const std::string file = folder / "g.toml";
    std::ofstream(file) << "[listen.web]\naddress = \"0.0.0.0:80\"\npool = \"app\"\n[server.a]\nhost = \"10.0.0.1\"\n"
                           "[pool.app]\nport = 80\nservers = [\"a\"]\nsource = [\"127.0.0.2\", \"203.0.113.77\"]\n";
    const Ran bad = run({"check", "-c", file.c_str()});
    EXPECT_EQ(bad.code, 2);
    EXPECT_EQ(bad.err, file +
                           ": bad 'source' in [pool.app]: 203.0.113.77 is no address of this machine; write one that "
                           "`ip address` shows, or add it to an interface\n");
    std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace appliance::cli
