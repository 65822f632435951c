// Testers look before the page goes; and rollbacks batch by batch.
#include <gmock/gmock.h>

#include "tests/appliance/deploy/world.hpp"

namespace appliance::deploy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Preview : public ConductorTest {
protected:
    Order behind_the_page() {
        Order wanted = order();
        wanted.strategy = Strategy::maintenance;
        wanted.recipe.preview = true;
        return wanted;
    }
};

TEST_F(Preview, ServersAreOpenAndThePageStaysUntilAnOperatorResumes) {
    start(behind_the_page());
    EXPECT_EQ(run_to_end().size(), 2U);
    EXPECT_EQ(state(), "paused");
    EXPECT_THAT(conductor_->view(rollout_).value()["state_why"], HasSubstr("testers look"));
    EXPECT_TRUE(world_.paged);
    EXPECT_THAT(world_.fenced(), IsEmpty()) << "testers reach them";
    ASSERT_TRUE(conductor_->resume({"ann", "it is fine"}, false).has_value());
    EXPECT_THAT(run_to_end(), IsEmpty());
    EXPECT_EQ(state(), "done");
    EXPECT_FALSE(world_.paged);
}

TEST_F(Preview, ARestartDoesNotShowWhatIsNotApproved) {
    start(behind_the_page());
    run_to_end();
    begin_anew();
    EXPECT_EQ(state(), "paused");
    EXPECT_TRUE(world_.paged);
    ASSERT_TRUE(conductor_->resume({"ann", ""}, false).has_value());
    run_to_end();
    EXPECT_EQ(state(), "done");
    EXPECT_FALSE(world_.paged);
}

TEST_F(Preview, AnAbortLeavesThePageAndSaysHowItGoes) {
    start(behind_the_page());
    run_to_end();
    const auto ended = conductor_->abort({"ann", "the logo is missing"});
    ASSERT_TRUE(ended.has_value());
    EXPECT_EQ((*ended)["state"], "aborted");
    EXPECT_THAT((*ended)["state_why"], HasSubstr("the page stays, gatehouse maintenance off"));
    EXPECT_TRUE(world_.paged);
}

TEST_F(Preview, ARollbackKeepsThePageUntilItsFirstServerIsVerified) {
    start(behind_the_page());
    run_to_end();
    const auto back = conductor_->roll_back({"ann", "the logo is missing"}, "undo {server}", false);
    ASSERT_TRUE(back.has_value()) << back.error().error.line();
    rollout_ = (*back)["id"];
    take_one();
    EXPECT_TRUE(world_.paged);
}

TEST_F(Preview, WithoutItTheSiteOpensWithTheFirstServer) {
    Order wanted = behind_the_page();
    wanted.recipe.preview = false;
    start(wanted);
    run_to_end();
    EXPECT_EQ(state(), "done");
    EXPECT_FALSE(world_.paged);
}

TEST_F(Preview, ARollbackGoesBatchByBatchWhereItIsToldTo) {
    start(order());
    run_to_end();
    const auto back = conductor_->roll_back({"ann", "slow"}, "undo {server}", true);
    ASSERT_TRUE(back.has_value()) << back.error().error.line();
    rollout_ = (*back)["id"];
    const Json first = take_one();
    EXPECT_EQ(first["server"], "web1");
    EXPECT_THAT(world_.fenced(), ElementsAre("web1")) << "the other one serves meanwhile";
    EXPECT_THAT(sync({first["step"].get<unsigned>()})["take"], IsEmpty());
    sync({}, {{first["step"], 0, ""}});
    EXPECT_THAT(run_to_end(), ElementsAre("web2"));
    EXPECT_EQ(state(), "done");
}

}  // namespace
}  // namespace appliance::deploy
