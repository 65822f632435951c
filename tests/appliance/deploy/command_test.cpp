// Which commands a rollout has, and that a runner gets only accepted ones.
#include "appliance/deploy/command.hpp"

#include <gmock/gmock.h>

#include "tests/appliance/deploy/world.hpp"

namespace appliance::deploy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class CommandTest : public ConductorTest {
protected:
    std::vector<std::string> commands(const Json& view, const std::string& purpose) {
        std::vector<std::string> all;
        for (const auto& command : view["commands"]) {
            if (command["purpose"] == purpose) {
                all.push_back(command["command"]);
            }
        }
        return all;
    }
    // The digest that an operator names to accept this.
    static std::string digest(const Json& view) { return view["commands_digest"]; }
};

TEST_F(CommandTest, AllAreListedWithTheirDigestWhateverHasBecomeOfThem) {
    Order wanted = order();
    wanted.recipe.run_source = "--run by ann";
    wanted.dry_run = true;
    const Json plan = conductor_->start(wanted).value();
    EXPECT_THAT(commands(plan, "run"), ElementsAre("deploy web1", "deploy web2"));
    EXPECT_THAT(commands(plan, "rollback"), IsEmpty());
    EXPECT_EQ(plan["commands"][1]["source"], "--run by ann");
    EXPECT_EQ(plan["commands"][1]["port"], world_.web2.address.port());
    wanted.dry_run = false;
    start(wanted);
    EXPECT_EQ(digest(conductor_->view(0).value()), digest(plan));
    run_to_end();
    EXPECT_EQ(digest(conductor_->view(0).value()), digest(plan));
    begin_anew();
    EXPECT_EQ(conductor_->view(rollout_).value()["commands"], plan["commands"]) << "the ledger keeps the source";
}

TEST_F(CommandTest, ThoseOfARollbackThatWouldFollowByItselfAreAmongThem) {
    Order wanted = order();
    wanted.recipe.rollback = "undo {server}";
    wanted.dry_run = true;
    EXPECT_THAT(commands(conductor_->start(wanted).value(), "rollback"), IsEmpty());
    wanted.recipe.on_failure = config::OnFailure::rollback;
    EXPECT_THAT(commands(conductor_->start(wanted).value(), "rollback"), ElementsAre("undo web1", "undo web2"));
}

TEST_F(CommandTest, WhatTheRunnerTakesIsWhatIsListed) {
    Order wanted = order();
    wanted.recipe.run = "x {server} {host}:{port} {{host}} ${HOME} {a,b}";
    start(wanted);
    const Json taken = take_one();
    const Json listed = conductor_->view(0).value()["commands"][0];
    for (const char* key : {"command", "server", "host", "port"}) {
        EXPECT_EQ(taken[key], listed[key]) << key;
    }
}

TEST_F(CommandTest, OthersThanWereAcceptedAreRefused) {
    Order wanted = order();
    wanted.dry_run = true;
    const std::string seen = digest(conductor_->start(wanted).value());
    wanted.dry_run = false;
    wanted.accepted = seen;
    wanted.recipe.run = "other {server}";
    EXPECT_EQ(conductor_->start(wanted).error().status, 409);
    wanted.recipe = order().recipe;
    start(wanted);
    ASSERT_TRUE(conductor_->pause({"ann", ""}).has_value());
    EXPECT_EQ(conductor_->resume({"ann", ""}, false, std::string(64, '0')).error().status, 409);
    EXPECT_EQ(state(), "paused");
    EXPECT_TRUE(conductor_->resume({"ann", ""}, false, seen).has_value());
}

TEST_F(CommandTest, ARollbackCanBeSeenBeforeItBegins) {
    Order wanted = order();
    wanted.recipe.rollback = "undo {server}";
    wanted.recipe.rollback_source = "--rollback by ann";
    start(wanted);
    run_to_end();
    const Json seen = conductor_->view_rollback({"bob", ""}, "", false).value();
    EXPECT_THAT(commands(seen, "run"), ElementsAre("undo web1", "undo web2"));
    EXPECT_EQ(seen["commands"][0]["source"], "--rollback by ann");
    EXPECT_EQ(conductor_->view(0).value()["strategy"], "rolling") << "nothing has begun";
    const Json other = conductor_->view_rollback({"bob", ""}, "other", false).value();
    EXPECT_EQ(other["commands"][0]["source"], "--run by bob");
    EXPECT_EQ(conductor_->roll_back({"bob", ""}, "", false, digest(other)).error().status, 409);
    EXPECT_EQ(conductor_->view(0).value()["strategy"], "rolling");
    EXPECT_TRUE(conductor_->roll_back({"bob", ""}, "", false, digest(seen)).has_value());
}

TEST_F(CommandTest, ARefusedOnePausesWhateverTheRecipeSays) {
    Order wanted = order();
    wanted.recipe.rollback = "undo {server}";
    wanted.recipe.on_failure = config::OnFailure::rollback;
    wanted.recipe.tolerate = 1;
    start(wanted);
    const Json taken = take_one();
    sync({}, {{taken["step"], 126, "not agreed to", true}});
    EXPECT_TRUE(settles("paused"));
    EXPECT_THAT(step("run", "web1")["evidence"].get<std::string>(), HasSubstr("refused the command"));
    EXPECT_THAT(world_.fenced(), ElementsAre("web1"));
}

}  // namespace
}  // namespace appliance::deploy
