#include "appliance/deploy/rollout.hpp"

#include <gmock/gmock.h>

namespace appliance::deploy {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Rollout rollout(Strategy strategy, const std::string& batch = "1") {
    Rollout made;
    made.strategy = strategy;
    made.recipe.batch = batch;
    made.steps = plan_steps(strategy, made.recipe, {"web1", "web2"}, {.guarded = true});
    return made;
}

void finish(Rollout& rollout, std::initializer_list<unsigned> steps) {
    for (const unsigned step : steps) {
        rollout.steps.at(step).progress = Progress::done;
        rollout.steps.at(step).began = core::WallTime();
    }
}

TEST(Rollout, BeginsWithItsFirstStepAlone) {
    EXPECT_THAT(ready_steps(rollout(Strategy::rolling)), ElementsAre(0));
}

TEST(Rollout, LanesOfABatchGoSideBySide) {
    Rollout made = rollout(Strategy::maintenance);
    finish(made, {0, 1, 2});
    EXPECT_THAT(ready_steps(made), ElementsAre(3, 7)) << "both runs";
    finish(made, {3});
    EXPECT_THAT(ready_steps(made), ElementsAre(4, 7)) << "one warms up, the other still has to run";
}

TEST(Rollout, WhatIsForAllOfABatchWaitsForItsLanes) {
    Rollout made = rollout(Strategy::maintenance);
    finish(made, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
    EXPECT_THAT(ready_steps(made), ElementsAre(10));
    finish(made, {10});
    EXPECT_THAT(ready_steps(made), ElementsAre(11));
}

TEST(Rollout, TheNextBatchWaitsForTheOneBefore) {
    Rollout made = rollout(Strategy::rolling);
    finish(made, {0, 1, 2, 3, 4, 5, 6});
    EXPECT_THAT(ready_steps(made), ElementsAre(7));
    made.steps.at(7).progress = Progress::failed;
    EXPECT_THAT(ready_steps(made), IsEmpty());
}

TEST(Rollout, AnExcusedServerDelaysNoOther) {
    Rollout made = rollout(Strategy::rolling);
    finish(made, {0, 1, 2, 3});
    made.steps.at(4).progress = Progress::failed;
    EXPECT_THAT(ready_steps(made), IsEmpty());
    excuse(made, 4);
    EXPECT_THAT(failed_servers(made), ElementsAre("web1"));
    EXPECT_EQ(made.steps.at(6).progress, Progress::skipped);
    EXPECT_THAT(ready_steps(made), ElementsAre(7));
}

TEST(Rollout, KnowsWhichServersItHoldsAndHasTouched) {
    Rollout made = rollout(Strategy::rolling);
    EXPECT_THAT(held_servers(made), IsEmpty());
    finish(made, {0, 1, 2});
    EXPECT_THAT(held_servers(made), ElementsAre("web1"));
    EXPECT_THAT(touched_servers(made), IsEmpty());
    finish(made, {3, 4, 5, 6});
    EXPECT_THAT(held_servers(made), IsEmpty());
    EXPECT_THAT(touched_servers(made), ElementsAre("web1"));
}

TEST(Rollout, NamesARunnerForPersons) {
    EXPECT_EQ(describe_runner("laptop:4711:c6d79813"), "process 4711 on laptop");
    EXPECT_EQ(describe_runner("gate.example.org"), "gate.example.org");
    EXPECT_EQ(describe_runner(":1"), ":1");
    EXPECT_EQ(describe_runner(""), "");
}

TEST(Rollout, EveryWordReadsAsItPrints) {
    for (const Kind kind : {Kind::guard, Kind::floor, Kind::page, Kind::fence, Kind::run, Kind::warm, Kind::verify,
                            Kind::open, Kind::front, Kind::soak}) {
        EXPECT_EQ(parse_kind(print(kind)), kind);
    }
    for (const State state :
         {State::running, State::paused, State::done, State::failed, State::aborted, State::undone}) {
        EXPECT_EQ(parse_state(print(state)), state);
    }
    EXPECT_FALSE(parse_state("Running").has_value());
}

}  // namespace
}  // namespace appliance::deploy
