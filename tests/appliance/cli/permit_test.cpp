#include "appliance/cli/deploy/permit.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace appliance::cli {
namespace {

using config::Purpose;
using config::ServerCommand;
using testing::HasSubstr;

ServerCommand command(const std::string& text) {
    return {Purpose::run, "web1", "10.0.0.11", 80, text, "--run by ann"};
}

TEST(Permit, AllowsTheOwnCommandWithTheServerFilledIn) {
    const Permit permit(OwnCommands{"ssh {host} x {server}:{port}", {}});
    EXPECT_TRUE(permit.check(command("ssh 10.0.0.11 x web1:80")));
    EXPECT_FALSE(permit.check(command("ssh 10.0.0.11 x web1:81")));
    EXPECT_FALSE(permit.check(command("ssh {host} x {server}:{port}")));
}

TEST(Permit, RefusesWhatTheDaemonSendsInItsPlaceAndSaysBoth) {
    const Permit permit(OwnCommands{"true", {}});
    const auto refused = permit.check(command("id >/tmp/x"));
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().line(), HasSubstr("id >/tmp/x"));
    EXPECT_THAT(refused.error().line(), HasSubstr("your command is true"));
    EXPECT_EQ(refused.error().line().find('\n'), std::string::npos);
}

TEST(Permit, OfNothingAllowsNothing) {
    EXPECT_FALSE(Permit().check(command("true")));
}

TEST(Permit, TakesTheRollbackForNoCommandOfAStepNorTheOtherWayRound) {
    const Permit permit(OwnCommands{"new", "old"});
    ServerCommand undo = command("old");
    EXPECT_FALSE(permit.check(undo));
    undo.purpose = Purpose::rollback;
    EXPECT_TRUE(permit.check(undo));
    undo.text = "new";
    EXPECT_FALSE(permit.check(undo));
}

TEST(Permit, AllowsExactlyWhatWasAccepted) {
    Permit permit;
    permit.accept({command("ssh 10.0.0.11 x")});
    EXPECT_TRUE(permit.check(command("ssh 10.0.0.11 x")));
    EXPECT_FALSE(permit.check(command("ssh 10.0.0.11 x ")));
    ServerCommand elsewhere = command("ssh 10.0.0.11 x");
    elsewhere.host = "10.0.0.12";
    EXPECT_FALSE(permit.check(elsewhere));
    elsewhere = command("ssh 10.0.0.11 x");
    elsewhere.server = "web2";
    EXPECT_FALSE(permit.check(elsewhere));
}

// What is filled in comes from the daemon as well: a text that equals the own command with these in it proves nothing.
TEST(Permit, RefusesValuesThatAShellWouldReadAsMore) {
    const Permit permit(OwnCommands{"ssh {host} restart {server}", {}});
    for (const char* host : {"$(id)", "a b", "a;id", "-oProxyCommand=id", "`id`", "a\nb", "", "a'b", "../x", "a|b"}) {
        ServerCommand sent{Purpose::run, "web1", host, 80, {}, {}};
        sent.text = config::fill("ssh {host} restart {server}", sent);
        EXPECT_FALSE(permit.check(sent)) << host;
    }
    for (const char* server : {"$(id)", "-x", "a b", "", ".web", "web1;id", "web1\n"}) {
        ServerCommand sent{Purpose::run, server, "10.0.0.11", 80, {}, {}};
        sent.text = config::fill("ssh {host} restart {server}", sent);
        EXPECT_FALSE(permit.check(sent)) << server;
    }
    ServerCommand sent{Purpose::run, "web1", "10.0.0.11", 0, "ssh 10.0.0.11 restart web1", {}};
    EXPECT_FALSE(permit.check(sent));
}

TEST(Permit, AllowsEveryAddressAndEveryNameThatAConfigurationMayHave) {
    const Permit permit(OwnCommands{"ssh {host} restart {server}", {}});
    for (const char* host : {"10.0.0.11", "::1", "fd80::11", "app1.internal", "app_1"}) {
        for (const char* server : {"web1", "Web-1_a.b", "1", "w"}) {
            ServerCommand sent{Purpose::run, server, host, 65'535, {}, {}};
            sent.text = config::fill("ssh {host} restart {server}", sent);
            EXPECT_TRUE(permit.check(sent)) << host << server;
        }
    }
}

TEST(Permit, ADigestIsOfAllThatCouldRun) {
    const std::vector<ServerCommand> commands{command("a"), command("b")};
    const std::string digest = config::digest_of(commands);
    EXPECT_EQ(digest.size(), 64U);
    EXPECT_NE(digest, config::digest_of({command("b"), command("a")}));
    EXPECT_NE(digest, config::digest_of({command("a")}));
    std::vector<ServerCommand> others = commands;
    others[1].purpose = Purpose::rollback;
    EXPECT_NE(digest, config::digest_of(others));
    others = commands;
    others[0].server = "web11";
    others[0].host = "0.0.0.11";  // the same letters, laid out otherwise
    EXPECT_NE(digest, config::digest_of(others));
    others = commands;
    others[1].source = "[deploy.app]";
    EXPECT_EQ(digest, config::digest_of(others));
}

TEST(Permit, ReadsTheCommandsOfARolloutOrNone) {
    const Json rollout = Json::parse(
        R"({"commands": [{"purpose": "run", "server": "web1", "host": "10.0.0.11", "port": 80, "command": "x",
            "source": "--run by ann"}]})");
    ASSERT_TRUE(commands_in(rollout));
    EXPECT_TRUE(commands_in(rollout)->front().same(command("x")));
    EXPECT_FALSE(commands_in(Json::object()));
    EXPECT_FALSE(commands_in(Json::parse(R"({"commands": [{"purpose": "else", "port": 80}]})")));
    EXPECT_FALSE(commands_in(Json::parse(R"({"commands": [{"purpose": "run", "port": 65616}]})")));
}

TEST(Permit, NothingHidesInAPrintedCommand) {
    EXPECT_EQ(print_command("ssh a 'b'"), "ssh a 'b'");
    EXPECT_EQ(print_command("a\rb"), R"("a\rb")");
    EXPECT_EQ(print_command("a\nb"), R"("a\nb")");
    EXPECT_EQ(print_command("a\u202eb"), R"("a\u202eb")");
}

}  // namespace
}  // namespace appliance::cli
