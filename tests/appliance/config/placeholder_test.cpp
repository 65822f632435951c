#include "appliance/config/values/placeholder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "tests/appliance/config/problems.hpp"

namespace appliance::config {
namespace {

const Filling web1{"web1", "10.0.0.11", "80"};

TEST(Placeholders, AreFilledWithTheServersValues) {
    const std::vector<std::pair<const char*, const char*>> cases{
        {"ssh {host} restart {server}:{port}", "ssh 10.0.0.11 restart web1:80"},
        {"{server}{server}", "web1web1"},
        {"ssh {host} 'echo ${USER:-{server}}'", "ssh 10.0.0.11 'echo ${USER:-web1}'"},
        {"no braces", "no braces"},
        {"", ""},
    };
    for (const auto& [command, filled] : cases) {
        EXPECT_EQ(fill_placeholders(command, web1), filled);
        EXPECT_TRUE(check_placeholders(command).has_value()) << command;
    }
}

TEST(Placeholders, LeaveTheShellsBracesAlone) {
    for (const char* command :
         {"echo ${VAR} ${host} ${VAR:-x}", "awk '{print $1}'", "cp a.{conf,bak}", "echo {1..3} {a..z}", "{ true; }",
          "find . -exec rm {} +", "grep -E 'a{3}b{2,}'", "docker ps --format '{{json .}} {{.Names}}'",
          "curl -d '{\"a\": 1}'", "x() { y; }", "}{", "{", "{server", "$(echo '{')", "${{ github.ref }} ${{host}}",
          "{ server }", "{-x}", "{a=b}"}) {
        EXPECT_EQ(fill_placeholders(command, web1), command);
        EXPECT_TRUE(check_placeholders(command).has_value()) << command;
    }
}

TEST(Placeholders, CanBeWrittenLiterallyByDoublingTheBraces) {
    const std::vector<std::pair<const char*, const char*>> cases{
        {"awk '{{print}}' {host}", "awk '{print}' 10.0.0.11"},
        {"echo {{server}} {{nothing}}", "echo {server} {nothing}"},
        {"{{server}", "{web1"},
        {"{server}}", "web1}"},
    };
    for (const auto& [command, filled] : cases) {
        EXPECT_EQ(fill_placeholders(command, web1), filled);
        EXPECT_TRUE(check_placeholders(command).has_value()) << command;
    }
}

TEST(Placeholders, ThatNameNothingAreRefusedWithTheNearestThatDoes) {
    const std::vector<std::pair<const char*, const char*>> cases{
        {"ssh {hots} x",
         "'{hots}' in the command names nothing; did you mean '{host}'? For literal braces write '{{hots}}'"},
        {"{sever}", "did you mean '{server}'?"},
        {"{Server}", "did you mean '{server}'?"},
        {"echo {server} {name}", "'{name}' in the command names nothing; known are {server}, {host} and {port}"},
        {"{host:port}", "'{host:port}' in"},
        {"{server_name}", "'{server_name}' in"},
        {"{web-1.x}", "'{web-1.x}' in"},
        {"$x{prot}", "did you mean '{port}'?"},
        {"{{{sever}", "did you mean '{server}'?"},
    };
    for (const auto& [command, why] : cases) {
        const auto checked = check_placeholders(command);
        ASSERT_FALSE(checked.has_value()) << command;
        EXPECT_THAT(checked.error().line(), testing::HasSubstr(why));
        EXPECT_EQ(fill_placeholders("x {sever}", web1), "x {sever}");
    }
}

TEST(Placeholders, AreCheckedInARecipesCommands) {
    const std::string recipe = good_site + "[deploy.app]\npool = \"app\"\n";
    EXPECT_EQ(problems_of(recipe + "run = \"ssh {host} x\"\nrollback = \"echo {{host}}\"\n"), "");
    EXPECT_THAT(
        problem_list(recipe + "run = \"ssh {hots} x\"\nrollback = \"ssh {sever}\"\n"),
        testing::ElementsAre(
            "6:7: bad 'run' in [deploy.app]: '{hots}' in the command names nothing; did you mean '{host}'? For literal "
            "braces write '{{hots}}'",
            "7:12: bad 'rollback' in [deploy.app]: '{sever}' in the command names nothing; did you mean '{server}'? "
            "For "
            "literal braces write '{{sever}}'"));
}

}  // namespace
}  // namespace appliance::config
