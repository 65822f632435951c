// Events during a rollout: fences of operators, silent proxies and terminals, and two orders at once.
#include <fcntl.h>

#include <cstdio>
#include <thread>

#include "tests/appliance/deploy/world.hpp"
#include "tests/support/set_clock.hpp"

namespace appliance::deploy {
namespace {

using Interruption = ConductorTest;

TEST_F(Interruption, AFenceThatIsLiftedWhileTheCommandRunsStopsTheRollout) {
    start(order());
    const unsigned run = take_one()["step"];
    world_.lift("web1");
    sync({}, {{run, 0, ""}});
    ASSERT_TRUE(settles("paused"));
    const Json found = step("run", "web1");
    EXPECT_EQ(found["progress"], "failed");
    EXPECT_NE(found["evidence"].get<std::string>().find("the fence of web1 was lifted by ann"), std::string::npos);
    EXPECT_NE(found["evidence"].get<std::string>().find("exit code 0"), std::string::npos);
}

TEST_F(Interruption, AFenceThatIsLiftedPausesWhateverTheRecipeSaysOfFailures) {
    Order careless = order();
    careless.recipe.on_failure = config::OnFailure::abort;
    careless.recipe.tolerate = 2;
    start(careless);
    const unsigned run = take_one()["step"];
    world_.lift("web1");
    sync({}, {{run, 0, ""}});
    EXPECT_TRUE(settles("paused"));
}

TEST_F(Interruption, ACommandIsNotGivenOutWhenItsFenceHasGone) {
    start(order());
    ASSERT_TRUE(eventually([&] { return step("run", "web1")["progress"] == "running"; }));
    world_.lift("web1");
    EXPECT_TRUE(eventually([&] {
        EXPECT_TRUE(sync()["take"].empty());
        return state() != "running";
    }));
    EXPECT_EQ(state(), "paused");
}

TEST_F(Interruption, ResumeFencesAServerAgainBeforeItsCommandRunsOnceMore) {
    start(order());
    const unsigned run = take_one()["step"];
    world_.lift("web1");
    sync({}, {{run, 0, ""}});
    ASSERT_TRUE(settles("paused"));
    ASSERT_TRUE(conductor_->resume({"ann", ""}, false).has_value());
    EXPECT_EQ(take_one()["server"], "web1");
    EXPECT_TRUE(world_.fenced().contains("web1"));
}

TEST_F(Interruption, ACommandThatIsTriedAgainWaitsForWhatIsInFlightEachTime) {
    start(order());
    const unsigned run = take_one()["step"];
    world_.lift("web1");
    sync({}, {{run, 0, ""}});
    ASSERT_TRUE(settles("paused"));
    world_.in_flight = 3;  // visitors came while the server was open
    for (int tries = 0; tries < 2; ++tries) {
        ASSERT_TRUE(conductor_->resume({"ann", ""}, false).has_value());
        ASSERT_TRUE(settles("paused")) << "its fence stands by now, and they are still there";
        EXPECT_NE(step("run", "web1")["evidence"].get<std::string>().find("3 still in flight"), std::string::npos)
            << step("run", "web1")["evidence"];
        EXPECT_TRUE(world_.fenced().contains("web1"));
    }
    world_.in_flight = 0;
    ASSERT_TRUE(conductor_->resume({"ann", ""}, false).has_value());
    EXPECT_EQ(take_one()["server"], "web1");
}

TEST_F(Interruption, ACommandIsNotGivenOutWhereItsServerHasMovedSinceItWasDrained) {
    start(order());
    ASSERT_TRUE(eventually([&] { return step("run", "web1")["progress"] == "running"; }));
    world_.in_flight = 2;  // at the address that it moves to
    world_.move("web1");
    EXPECT_TRUE(eventually([&] {
        EXPECT_TRUE(sync()["take"].empty());
        return state() != "running";
    }));
    ASSERT_EQ(state(), "paused");
    // Found when it was to be given out, or a moment before.
    const std::string why = step("run", "web1")["evidence"];
    EXPECT_TRUE(why.find("web1 has moved to 127.0.0.2:") != std::string::npos ||
                why.find("2 still in flight") != std::string::npos)
        << why;
    ASSERT_TRUE(conductor_->resume({"ann", ""}, false).has_value());
    ASSERT_TRUE(settles("paused")) << "it is drained there first";
    world_.in_flight = 0;
    ASSERT_TRUE(conductor_->resume({"ann", ""}, false).has_value());
    EXPECT_EQ(take_one()["server"], "web1");
}

TEST_F(Interruption, AnOperatorsFenceStopsTheStepThatMeetsItAndStays) {
    start(order());
    const unsigned run = take_one()["step"];
    world_.by_hand = "web1";
    sync({}, {{run, 0, ""}});
    ASSERT_TRUE(settles("paused"));
    EXPECT_NE(step("run", "web1")["evidence"].get<std::string>().find("web1 is fenced by ann"), std::string::npos);
    EXPECT_TRUE(world_.fenced().contains("web1"));
}

TEST_F(Interruption, ASilentProxyIsNotDrained) {
    world_.silent = true;
    Order quick = order();
    quick.strategy = Strategy::maintenance;
    start(quick);
    ASSERT_TRUE(settles("paused"));
    const Json found = step("fence", "web1");
    EXPECT_EQ(found["progress"], "failed");
    EXPECT_NE(found["evidence"].get<std::string>().find("not known: the proxy does not answer"), std::string::npos);
    world_.silent = false;
    ASSERT_TRUE(conductor_->resume({"ann", ""}, false).has_value());
    EXPECT_EQ(run_to_end().size(), 2U);
    EXPECT_EQ(state(), "done");
}

// By the ledger it is given out, but the answer was lost: the terminal runs nothing.
TEST_F(Interruption, GivesOutOnceMoreAfterARestartWhatItsTerminalNeverHeardOf) {
    start(order());
    take_one();
    begin_anew();
    EXPECT_EQ(run_to_end(), (std::vector<std::string>{"web1", "web2"}));
    EXPECT_EQ(state(), "done");
}

// The terminal forgets an acknowledged result. Without it the next process would run the command again.
TEST_F(Interruption, AResultIsNotTakenBeforeTheLedgerHasBeenRead) {
    start(order());
    const unsigned run = take_one()["step"];
    conductor_.reset();
    const auto ledger = folder_ / "rollouts.db";
    const auto other = folder_ / "other";
    std::filesystem::create_directory(other);
    // At once: the conductor would make a new one where there is none.
    const auto exchange = [&] {
        return ::renameat2(AT_FDCWD, ledger.c_str(), AT_FDCWD, other.c_str(), RENAME_EXCHANGE) == 0;
    };
    ASSERT_TRUE(exchange());
    begin();
    Sync result;
    result.rollout = rollout_;
    result.runner = "test";
    result.results = {{run, 0, ""}};
    for (int tries = 0; tries < 2; ++tries) {
        const auto answer = conductor_->sync(result);
        ASSERT_FALSE(answer.has_value());
        EXPECT_EQ(answer.error().status, 503);
        EXPECT_FALSE(conductor_->start(order()).has_value()) << "one is under way";
    }
    ASSERT_TRUE(exchange());
    sync({}, {{run, 0, ""}});
    EXPECT_EQ(run_to_end(), std::vector<std::string>{"web2"});
    EXPECT_EQ(state(), "done");
}

TEST_F(Interruption, ARunnerThatComesBackKeepsItsCommandAndNothingRunsTwice) {
    tests::support::SetClock clock(tests::support::SetClock::Gait::goes);
    start(order());
    const unsigned run = take_one()["step"];
    clock.pass(Conductor::silence_max + std::chrono::seconds(2));
    ASSERT_TRUE(eventually([&] { return state() == "paused"; }));
    ASSERT_EQ(state(), "paused");
    EXPECT_TRUE(sync({run})["cancel"].empty()) << "the runner keeps its command";
    EXPECT_EQ(step("run", "web1")["progress"], "running");
    ASSERT_TRUE(conductor_->resume({"bob", ""}, false).has_value());
    EXPECT_TRUE(sync({}, {}, "another")["take"].empty()) << "it runs already";
    sync({}, {{run, 0, ""}});
    EXPECT_EQ(run_to_end(), (std::vector<std::string>{"web2"}));
    EXPECT_EQ(state(), "done");
    EXPECT_NE(journal().find("is back with the command of web1"), std::string::npos);
}

TEST_F(Interruption, ACommandThatIsLostWhileTheRolloutIsPausedIsPartOfTheReason) {
    tests::support::SetClock clock(tests::support::SetClock::Gait::goes);
    start(order());
    take_one();
    ASSERT_TRUE(conductor_->pause({"ann", "lunch"}).has_value());
    clock.pass(Conductor::silence_max + std::chrono::seconds(2));
    ASSERT_TRUE(eventually([&] { return step("run", "web1")["progress"] == "failed"; })) << step("run", "web1");
    const std::string why = conductor_->view(rollout_).value()["state_why"];
    EXPECT_NE(why.find("lunch"), std::string::npos) << why;
    EXPECT_NE(why.find("run web1: the result of the command is unknown"), std::string::npos) << why;
}

TEST_F(Interruption, ARunnerIsToldToEndACommandThatRunsElsewhere) {
    tests::support::SetClock clock(tests::support::SetClock::Gait::goes);
    start(order());
    const unsigned run = take_one()["step"];
    clock.pass(Conductor::silence_max + std::chrono::seconds(2));
    ASSERT_TRUE(eventually([&] { return state() == "paused"; }));
    ASSERT_TRUE(conductor_->resume({"bob", ""}, false).has_value());
    Json given;
    ASSERT_TRUE(eventually([&] {
        const Json answer = sync({}, {}, "another");
        given = answer["take"].empty() ? Json() : answer["take"].front();
        return !given.is_null();
    }));
    ASSERT_EQ(given["server"], "web1");
    EXPECT_EQ(sync({run})["cancel"], Json::array({run}));
}

TEST_F(Interruption, TwoOrdersAtOnceLeaveOneConductor) {
    for (int round = 0; round < 20; ++round) {
        start(order());
        ASSERT_TRUE(eventually([&] { return step("run", "web1")["progress"] == "running"; }));
        ASSERT_TRUE(conductor_->pause({"ann", ""}).has_value());
        std::vector<std::thread> operators;
        for (int number = 0; number < 8; ++number) {
            operators.emplace_back([this, number] {
                const Words words{"ann", "at once"};
                if (number % 4 == 0) {
                    static_cast<void>(conductor_->abort(words));
                } else if (number % 4 == 1) {
                    static_cast<void>(conductor_->resume(words, false));
                } else {
                    static_cast<void>(conductor_->roll_back(words, "undo {server}", false));
                }
            });
        }
        for (std::thread& one : operators) {
            one.join();
        }
        static_cast<void>(conductor_->abort({"ann", ""}));
        EXPECT_TRUE(eventually([&] { return state() != "running" && state() != "paused"; })) << state();
        EXPECT_EQ(world_.commands(), 0U);
    }
}

}  // namespace
}  // namespace appliance::deploy
