#include "appliance/deploy/plan.hpp"

#include <gmock/gmock.h>

#include "appliance/config/file/load.hpp"
#include "appliance/deploy/command.hpp"
#include "appliance/deploy/recipe_json.hpp"
#include "appliance/deploy/visit/front_door.hpp"

namespace appliance::deploy {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* site = R"(
[listen.web]
address = "0.0.0.0:8080"
mode = "http"
pool = "shop"
route = [{ host = "*.example.org", path = "/app", pool = "app" }]
[server.web1]
host = "10.0.0.11"
[server.web2]
host = "10.0.0.12"
[server.web3]
host = "10.0.0.13"
[pool.app]
port = 80
servers = ["web1", "web2", "web3"]
[pool.shop]
port = 81
servers = ["web1"]
[deploy.night]
pool = "app"
batch = "50%"
run = "cap production deploy HOSTS={host}"
soak = "5s"
[proxy]
user = "nobody"
)";

config::Config configuration(const std::string& more = {}) {
    auto parsed = config::parse(site + more, "/tmp/g.toml");
    EXPECT_TRUE(parsed.has_value()) << (parsed ? "" : parsed.error().front().text());
    return std::move(*parsed);
}

Order order(Strategy strategy = Strategy::rolling) {
    Order made;
    made.strategy = strategy;
    made.recipe.pool = "app";
    made.recipe.run = "true";
    return made;
}

std::string kinds(const Rollout& rollout) {
    std::string all;
    for (const Step& step : rollout.steps) {
        all += std::string(all.empty() ? "" : " ") + std::string(print(step.kind)) +
               (step.servers.size() == 1 ? step.servers.front().substr(3) : "*");
    }
    return all;
}

TEST(Plan, RollsBatchByBatch) {
    Order wanted = order();
    wanted.recipe.servers = {"web1", "web2"};
    EXPECT_EQ(
        kinds(*plan(configuration(), wanted)),
        "guard1 floor1 fence1 run1 warm1 verify1 open1 front1 guard2 floor2 fence2 run2 warm2 verify2 open2 front2");
}

TEST(Plan, TakesAllAtOnceBehindThePage) {
    Order wanted = order(Strategy::maintenance);
    wanted.recipe.servers = {"web1", "web2"};
    EXPECT_EQ(kinds(*plan(configuration(), wanted)),
              "guard* page* fence* run1 warm1 verify1 open1 run2 warm2 verify2 open2 front*");
}

TEST(Plan, LetsTestersLookBeforeThePageGoesAndRefusesWhereTheyCouldNot) {
    Order wanted = order(Strategy::maintenance);
    wanted.recipe.servers = {"web1", "web2"};
    wanted.recipe.preview = true;
    EXPECT_EQ(kinds(*plan(configuration("[maintenance]\nbypass = [\"10.0.0.0/8\"]\n"), wanted)),
              "guard* page* fence* run1 warm1 verify1 open1 run2 warm2 verify2 open2 preview* show* front*");
    const auto refused = plan(configuration(), wanted);
    ASSERT_FALSE(refused.has_value());
    EXPECT_THAT(refused.error().error.line(), HasSubstr("[maintenance] lets no tester through"));
    wanted.strategy = Strategy::rolling;
    EXPECT_TRUE(plan(configuration(), wanted).has_value()) << "no page, nothing to look behind";
}

TEST(Plan, AsksNoGuardThatIsOverridden) {
    Order wanted = order();
    wanted.overridden = "I know";
    EXPECT_EQ(kinds(*plan(configuration(), wanted)).find("guard"), std::string::npos);
}

TEST(Plan, ReadsARecipeOfTheConfiguration) {
    const auto config = configuration();
    Order wanted = order();
    wanted.recipe = *config.recipe("night");
    const auto rollout = plan(config, wanted);
    EXPECT_EQ(rollout->steps.at(2).servers.size(), 1U) << "half of three, rounded down";
    EXPECT_THAT(kinds(*rollout), HasSubstr("front1 soak1 guard2"));
}

TEST(Plan, ABreakingSchemaChangeIsNotRollingOnASingleMaster) {
    Order wanted = order();
    wanted.recipe.schema = config::Schema::breaking;
    const auto refused = plan(configuration(), wanted);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().status, 409);
    EXPECT_THAT(refused.error().error.line(), HasSubstr("use gatehouse deploy maintenance"));
    EXPECT_TRUE(plan(configuration("[site]\ndatabase = \"multi_master\"\n"), wanted).has_value());
    wanted.strategy = Strategy::maintenance;
    EXPECT_TRUE(plan(configuration(), wanted).has_value());
}

TEST(Plan, LeavesAsManyServersAsAreWanted) {
    Order wanted = order();
    wanted.recipe.batch = "2";
    EXPECT_TRUE(plan(configuration(), wanted).has_value());
    wanted.recipe.min_healthy = 2;
    const auto refused = plan(configuration(), wanted);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().status, 409);
    EXPECT_EQ(refused.error().error.mend, "give --batch 1, or use gatehouse deploy maintenance");
    wanted.recipe.min_healthy = 3;
    EXPECT_EQ(plan(configuration(), wanted).error().error.mend,
              "give --batch 1 --min-healthy 2, or use gatehouse deploy maintenance");
    wanted.recipe.batch = "1";
    EXPECT_EQ(plan(configuration(), wanted).error().error.mend,
              "give --min-healthy 2, or use gatehouse deploy maintenance")
        << "no batch is smaller than one";
    wanted.recipe.batch = "100%";
    wanted.recipe.min_healthy = 0;
    EXPECT_TRUE(plan(configuration(), wanted).has_value());
}

struct Wrong {
    const char* field;
    json value;
    int status;
    const char* said;
};

TEST(Plan, RefusesWhatCannotBeCarriedOut) {
    const Wrong cases[] = {
        {"pool", "apq", 404, "did you mean 'app'"},
        {"pool", "", 400, "no pool"},
        {"run", "", 400, "no command"},
        {"batch", "0", 400, "bad batch '0'"},
        {"batch", "101%", 400, "bad batch"},
        {"batch", "257", 400, "bad batch"},
        {"servers", {"web9"}, 404, "no server 'web9'"},
        {"warm_path", "index", 400, "bad path 'index'"},
        {"verify_path", "/a b", 400, "bad path"},
        {"verify_host", "a\r\nb", 400, "bad host"},
        {"expect_regex", "(", 400, "missing closing parenthesis"},
        {"expect_json", "release=2", 400, "bad expect_json"},
        {"expect_header", "X-Release", 400, "bad expect_header"},
    };
    for (const Wrong& wrong : cases) {
        Order wanted = order();
        ASSERT_TRUE(from_json({{wrong.field, wrong.value}}, wanted.recipe).has_value());
        const auto refused = plan(configuration(), wanted);
        ASSERT_FALSE(refused.has_value()) << wrong.field;
        EXPECT_EQ(refused.error().status, wrong.status) << wrong.field;
        EXPECT_THAT(refused.error().error.line(), HasSubstr(wrong.said));
    }
}

TEST(Plan, FieldsOfTheWrongTypeOrRangeAreNamed) {
    for (const auto& [field, value] : std::vector<std::pair<const char*, json>>{{"min_healthy", -1},
                                                                                {"min_healthy", 257},
                                                                                {"warm_count", 1001},
                                                                                {"expect_status", 199},
                                                                                {"expect_status", 600},
                                                                                {"drain", 30},
                                                                                {"drain", "25h"},
                                                                                {"run", std::string(4097, 'x')},
                                                                                {"servers", "web1"},
                                                                                {"kill", "yes"},
                                                                                {"schema", "broken"}}) {
        config::Recipe recipe;
        const auto read = from_json({{field, value}}, recipe);
        ASSERT_FALSE(read.has_value()) << field;
        EXPECT_THAT(read.error().line(), HasSubstr(std::string("'") + field + "' must be"));
    }
}

TEST(Plan, WhatIsVerifiedIsHeldToWhatItCanBe) {
    const auto refused = [](const char* field, const json& value) {
        config::Recipe recipe;
        const auto read = from_json({{field, value}}, recipe);
        EXPECT_EQ(recipe, config::Recipe()) << field << " " << value;
        return read ? std::string("taken") : read.error().line();
    };
    EXPECT_EQ(refused("verify_port", -1), "'verify_port' must be a number from 0 to 65535");
    EXPECT_EQ(refused("verify_port", 65536), "'verify_port' must be a number from 0 to 65535");
    EXPECT_EQ(refused("verify_headers", json(17, "A: b")), "'verify_headers' must be a list of at most 16");
    EXPECT_EQ(refused("verify_headers", "A: b"), "'verify_headers' must be a list of at most 256 names");
    const std::string mend = "; write it as \"X-Forwarded-Proto: https\"";
    for (const auto& [header, why] : std::vector<std::pair<std::string, std::string>>{
             {"Host: a", "the key 'verify_host' says what Host is"},
             {"Content-Length: 5", "Gatehouse alone says Content-Length"},
             {"X", "'X' is not a name, a colon and a value of at most 1024 bytes in all"},
             {"A: b\r\nC: d", "'A: b\r\nC: d' is not a name, a colon and a value of at most 1024 bytes in all"}}) {
        EXPECT_EQ(refused("verify_headers", {"X-Fine: 1", header}), "bad 'verify_headers': " + why + mend);
    }
    config::Recipe recipe;
    ASSERT_TRUE(from_json(
        {{"verify_port", 65535}, {"verify_headers", std::vector<std::string>(16, "A: " + std::string(1021, 'b'))}},
        recipe));
    EXPECT_EQ(recipe.verify_port, 65535);
    EXPECT_EQ(recipe.headers.size(), 16U);
}

TEST(Plan, ARecipeComesBackAsItWasWritten) {
    config::Recipe recipe = *configuration().recipe("night");
    recipe.servers = {"web1"};
    recipe.kill = true;
    recipe.on_failure = config::OnFailure::rollback;
    recipe.expect_status = *core::http::StatusSet::parse({"204", "3xx"});
    recipe.headers = {"X-Probe: deploy"};
    recipe.verify_port = 8081;
    config::Recipe read;
    ASSERT_TRUE(from_json(to_json(recipe), read).has_value());
    // Not a caller's to say: the ledger takes these from beside the fields.
    read.name = recipe.name;
    read.run_source = recipe.run_source;
    read.rollback_source = recipe.rollback_source;
    EXPECT_EQ(read, recipe);
}

// One number stays one, for programs that read it as such.
TEST(Plan, TheStatusOfAVerificationIsANumberAClassOrAList) {
    const auto read = [](const json& value) {
        config::Recipe recipe;
        const auto done = from_json({{"expect_status", value}}, recipe);
        return done ? to_json(recipe)["expect_status"] : json(done.error().line());
    };
    EXPECT_EQ(read(nullptr), 200);
    EXPECT_EQ(read(200), 200);
    EXPECT_EQ(read(599), 599);
    EXPECT_EQ(read("204"), 204);
    EXPECT_EQ(read("2xx"), json::array({"2xx"}));
    EXPECT_EQ(read(json::array({200, "204", "3xx"})), json::array({"200", "204", "3xx"}));
    for (const json& wrong : {json("1xx"), json(2.5), json(true), json::array(), json::array({200, 200}),
                              json::object(), json(std::vector<int>(17, 200)), json::array({json::array({200})})}) {
        EXPECT_THAT(read(wrong).dump(), HasSubstr("'expect_status' must be a status from 200 to 599")) << wrong;
    }
}

TEST(Plan, ACommandHasItsServersValues) {
    const auto config = configuration();
    config::Recipe recipe;
    recipe.pool = "app";
    recipe.run = "echo ${X} {host}:{port} {server} {{server}}";
    const config::Backend& backend = config.pool("app")->backends.front();
    const auto view = view_command(config, recipe, 3, backend.server);
    EXPECT_EQ(view["command"], fmt::format("echo ${{X}} {} {} {{server}}", backend.address.text(), backend.server));
    EXPECT_EQ(view["step"], 3);
}

TEST(Plan, TheFrontDoorIsTheListenerThatLeadsToThePool) {
    const auto config = configuration();
    config::Recipe recipe;
    recipe.pool = "app";
    EXPECT_FALSE(find_front_door(config, recipe).has_value()) << "no visitor reaches it with /";
    recipe.verify_path = "/app/login";
    const auto door = find_front_door(config, recipe);
    ASSERT_TRUE(door.has_value());
    EXPECT_EQ(door->listener, "web");
    EXPECT_EQ(door->visit.to.text(), "127.0.0.1:8080");
    EXPECT_EQ(door->visit.host, "gatehouse.example.org");
    // On a port of its own visitors do not see what is verified.
    recipe.verify_port = 8081;
    EXPECT_FALSE(find_front_door(config, recipe).has_value());
    recipe.warm_path = "/app/";
    EXPECT_EQ(find_front_door(config, recipe)->visit.path, "/app/");
    recipe.verify_port = 0;
    recipe.pool = "shop";
    EXPECT_EQ(find_front_door(config, recipe)->visit.host, "");
}

}  // namespace
}  // namespace appliance::deploy
