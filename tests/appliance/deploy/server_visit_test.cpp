// Where a deploy looks whether a server is as it should be.
#include "appliance/deploy/visit/server_visit.hpp"

#include <gmock/gmock.h>

#include "tests/appliance/deploy/world.hpp"

namespace appliance::deploy {
namespace {

using testing::HasSubstr;

class ServerVisit : public ConductorTest {};

TEST_F(ServerVisit, IsThePoolsWithTheRecipesHeadersOrElseItsChecks) {
    config::Config config = *world_.config();
    config::Pool& pool = config.pools.front();
    pool.check.headers = {"X-Check: 1"};
    config::Recipe recipe;
    EXPECT_EQ(server_visit(config, pool, recipe, "web1").headers, (std::vector<std::string>{"X-Check: 1"}));
    EXPECT_EQ(server_visit(config, pool, recipe, "web1").to, pool.backends.front().address);
    recipe.headers = {"X-Recipe: 1"};
    EXPECT_EQ(server_visit(config, pool, recipe, "web1").headers, recipe.headers);
    EXPECT_EQ(server_visit(config, pool, recipe, "nobody").to.port(), 0);
}

TEST_F(ServerVisit, VerifiesOnAnotherPortWhereTheRecipeSaysSo) {
    const WebServer management("managed");
    Order wanted = order();
    wanted.recipe.verify_port = management.address.port();
    start(wanted);
    EXPECT_THAT(run_to_end(), testing::ElementsAre("web1"));
    EXPECT_THAT(step("warm", "web1")["evidence"].get<std::string>(), HasSubstr("1 request"));
    EXPECT_THAT(step("verify", "web1")["evidence"].get<std::string>(), HasSubstr("does not contain 'release 2'"));
    ASSERT_TRUE(conductor_->abort({"ann", ""}).has_value());
    wanted.recipe.expect_body = "managed";
    start(wanted);
    run_to_end();
    EXPECT_EQ(state(), "done") << conductor_->view(rollout_)->dump();
    EXPECT_EQ(step("verify", "web2")["evidence"], "200, contains 'managed'");
}

}  // namespace
}  // namespace appliance::deploy
