// Stories: the steps of each known lie, in the house of the search. A story fails where an answer of control is not
// true.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <future>

#include "tests/search/story.hpp"

namespace tests::search {
namespace {

using namespace std::chrono_literals;

TEST_F(Story, AFenceThatIsLiftedWhileItDrainsIsNotDrained) {
    warm();
    const std::string address = load(3);
    auto draining = std::async(std::launch::async, [&] {
        return operators_.fence({.servers = {1}, .pool = "app", .drain = 3s, .lasts = {}});
    });
    ASSERT_TRUE(wait_for([&] { return fenced(1); }));
    operators_.unfence({1}, "app", {});
    for (int i = 0; i < 3; ++i) {
        house_.end_request(address);
    }
    const auto answer = draining.get();
    EXPECT_FALSE(answer.has_value()) << answer->dump();
}

TEST_F(Story, AFenceThatRunsOutWhileItDrainsIsNotDrained) {
    warm();
    const std::string address = load(1);
    auto draining = std::async(std::launch::async, [&] {
        return operators_.fence({.servers = {1}, .pool = "app", .drain = 10min, .lasts = 1s});
    });
    ASSERT_TRUE(wait_for([&] { return fenced(1); }));
    clock_.pass(2s);
    ASSERT_TRUE(wait_for([&] { return !fenced(1); }));
    house_.end_request(address);
    const auto answer = draining.get();
    EXPECT_FALSE(answer.has_value()) << answer->dump();
}

TEST_F(Story, AProxyThatDoesNotAnswerHasNotDrained) {
    warm();
    load(2);
    auto draining = std::async(std::launch::async, [&] {
        return operators_.fence({.servers = {1}, .pool = "app", .drain = 20s, .lasts = {}});
    });
    ASSERT_TRUE(wait_for([&] { return fenced(1); }));
    house_.proxy_troubles.wedged = true;
    const auto answer = draining.get();
    EXPECT_FALSE(answer.has_value()) << answer->dump();
    house_.proxy_troubles.wedged = false;
}

TEST_F(Story, AFenceOrderedWhileControlComesBackReachesTheProxyThatServed) {
    warm();
    load(2);
    house_.proxy_troubles.wedged = true;  // so that it cannot be told before the order
    house_.restart_control();
    auto fencing = std::async(std::launch::async, [&] {
        return operators_.fence({.servers = {1}, .pool = "app", .drain = 100ms, .lasts = {}});
    });
    core::base::sleep_for(1s);
    house_.proxy_troubles.wedged = false;
    fencing.get();
}

TEST_F(Story, ARolloutDoesNotLiftAnOperatorsFence) {
    Runner runner(house_, "dora", 1);
    runner.fail_percent = 0;
    warm();
    runner.slow = true;
    const auto rollout = operators_.deploy({});
    ASSERT_NE(rollout, 0);
    ASSERT_TRUE(wait_for([&] { return step_of(rollout, "run", "web1") == "running"; }));
    operators_.fence({.servers = {1}, .pool = "app", .drain = {}, .lasts = {}});
    runner.slow = false;
    wait_for([&] { return state_of(rollout) != "running"; });
    EXPECT_TRUE(fenced(1));
}

TEST_F(Story, ARolloutDoesNotLiftTheFenceThatAnOperatorSetsOnItsServer) {
    Runner runner(house_, "dora", 1);
    runner.fail_percent = 0;
    warm();
    runner.slow = true;
    const auto rollout = operators_.deploy({});
    ASSERT_NE(rollout, 0);
    ASSERT_TRUE(wait_for([&] { return step_of(rollout, "run", "web1") == "running"; }));
    operators_.fence({.servers = {0}, .pool = "app", .drain = {}, .lasts = {}});
    runner.slow = false;
    wait_for([&] { return state_of(rollout) != "running"; });
    EXPECT_TRUE(fenced(0));
}

TEST_F(Story, ACommandDoesNotBeginOnAServerThatAnOperatorHasOpened) {
    Runner runner(house_, "dora", 1);
    runner.fail_percent = 0;
    warm();
    load(1, 0);
    const auto rollout = operators_.deploy({.drain = 60s});
    ASSERT_TRUE(wait_for([&] { return fenced(0); }));
    operators_.unfence({0}, "app", {});
    house_.end_request(house_.address(0, "app"));
    wait_for([&] { return state_of(rollout) != "running"; });
}

TEST_F(Story, ADeployDoesNotBeginWithAServerOfUnknownRequests) {
    Runner runner(house_, "dora", 1);
    warm();
    load(2, 0);
    const auto rollout = operators_.deploy({.drain = 60s});
    ASSERT_TRUE(wait_for([&] { return fenced(0); }));
    house_.proxy_troubles.wedged = true;
    wait_for([&] { return step_of(rollout, "fence", "web1") != "running"; });
    core::base::sleep_for(2'500ms);
    house_.proxy_troubles.wedged = false;
}

TEST_F(Story, TwoRollbacksAtOnceLeaveOneConductor) {
    for (int round = 0; round < 20; ++round) {
        warm();
        Runner runner(house_, "dora", 1);
        const auto rollout = operators_.deploy({});
        wait_for([&] { return rollout == 0 || step_of(rollout, "fence", "web1") != "pending"; });
        operators_.pause();
        std::vector<std::future<void>> all;
        for (int i = 0; i < 8; ++i) {
            all.push_back(std::async(std::launch::async, [&] { operators_.roll_back(); }));
        }
        all.clear();
        operators_.abort();
    }
}

TEST_F(Story, AReloadThatFailsLateLosesNoFence) {
    ASSERT_TRUE(operators_.fence({.servers = {1}, .pool = {}, .drain = {}, .lasts = {}}));
    house_.refuse_listeners(1);
    EXPECT_FALSE(operators_.reload({.moved = 2, .more = true}));
    house_.write_config({});
    EXPECT_TRUE(fenced(1));
    operators_.check_agreement();
}

TEST_F(Story, AStepOfTheWallClockEndsNoFence) {
    ASSERT_TRUE(operators_.fence({.servers = {1}, .pool = "app", .drain = {}, .lasts = 30min}));
    clock_.set_wall(1h);
    core::base::sleep_for(2'500ms);
    EXPECT_TRUE(fenced(1));
    operators_.check_standing("after a step of the wall clock");
}

TEST_F(Story, AStepOfTheWallClockThatAChangeIsWrittenAfterEndsNoFence) {
    ASSERT_TRUE(operators_.fence({.servers = {1}, .pool = "app", .drain = {}, .lasts = 30min}));
    clock_.set_wall(1h);
    operators_.weight(2, 3);  // written before control has looked at the clock again
    house_.crash_control();
    core::base::sleep_for(2'500ms);
    EXPECT_TRUE(fenced(1));
    operators_.check_standing("after a step of the wall clock and a crash");
}

TEST_F(Story, AFenceThatTheDiskMissedFollowsItsServerAtTheStart) {
    ASSERT_TRUE(operators_.fence({.servers = {1}, .pool = "app", .drain = {}, .lasts = {}}));
    house_.fill_disk(true);
    ASSERT_TRUE(
        operators_.fence({.servers = {1}, .pool = "app", .drain = {}, .lasts = {}, .all = true, .replace = true}));
    house_.write_config({.moved = 2});
    house_.crash_control();
    house_.fill_disk(false);
    operators_.check_agreement();
    EXPECT_TRUE(fenced(1));
}

TEST_F(Story, AFenceFollowsItsServerAtAStartThatCannotReadTheDisk) {
    ASSERT_TRUE(operators_.fence({.servers = {1, 2}, .pool = "app", .drain = {}, .lasts = {}}));
    house_.fill_disk(true);
    house_.write_config({.moved = 6});
    house_.crash_control();
    ASSERT_TRUE(house_.settle());
    operators_.fence({.servers = {2}, .pool = "app", .drain = {}, .lasts = {}, .all = true, .replace = true});
    house_.fill_disk(false);
    operators_.check_agreement();
    EXPECT_TRUE(fenced(1));
    EXPECT_TRUE(fenced(2));
}

TEST_F(Story, AFenceOrderedJustAfterAStepOfTheWallClockLastsAsLongAsOrdered) {
    for (const auto step : {-24h, 24h}) {
        clock_.set_wall(step);
        ASSERT_TRUE(operators_.fence({.servers = {1}, .pool = "app", .drain = {}, .lasts = 30min}));
        clock_.pass(5s);
        core::base::sleep_for(1s);
        EXPECT_TRUE(fenced(1));
        clock_.pass(31min);
        EXPECT_TRUE(wait_for([&] { return rotates(1); }));
    }
}

TEST_F(Story, AnOpeningJustAfterControlHasComeBackOpens) {
    house_.fill_disk(true);
    ASSERT_TRUE(operators_.fence({.servers = {1}, .pool = "app", .drain = {}, .lasts = {}}));
    house_.crash_control();
    house_.fill_disk(false);
    operators_.unfence({1}, "app", {});
}

TEST_F(Story, AStepBackOfTheWallClockKeepsNoFence) {
    ASSERT_TRUE(operators_.fence({.servers = {1}, .pool = "app", .drain = {}, .lasts = 30min}));
    clock_.set_wall(-24h);
    clock_.pass(31min);
    EXPECT_TRUE(wait_for([&] { return !fenced(1); }));
    EXPECT_TRUE(wait_for([&] { return rotates(1); })) << "control still takes it for fenced";
}

TEST_F(Story, ACommitWithALostAnswerIsLookedAt) {
    house_.kernel_troubles.unknown = 1;
    EXPECT_TRUE(operators_.fence({.servers = {1}, .pool = {}, .drain = {}, .lasts = {}}));
    house_.kernel_troubles.vanish = 1;
    EXPECT_TRUE(operators_.unfence({1}, {}, {}));
    operators_.check_agreement();
}

TEST_F(Story, AFullDiskLosesNoFence) {
    ASSERT_TRUE(operators_.fence({.servers = {1}, .pool = {}, .drain = {}, .lasts = {}}));
    house_.fill_disk(true);
    EXPECT_TRUE(operators_.fence({.servers = {2}, .pool = {}, .drain = {}, .lasts = {}})) << "the emergency tool";
    operators_.unfence({1}, {}, {});
    operators_.check_standing("on a full disk");
    house_.fill_disk(false);
    operators_.check_agreement();
}

TEST_F(Story, AServerThatAnotherHasOpenedHasNotPassedACheckForThat) {
    warm();
    house_.set_healthy(1, false);
    ASSERT_TRUE(operators_.fence({.servers = {1}, .pool = "app", .drain = {}, .lasts = {}}));
    EXPECT_FALSE(operators_.unfence({1}, "app", 200ms));
    EXPECT_FALSE(operators_.unfence({1}, "app", 200ms));
}

TEST_F(Story, AProxyThatMissedTheEndOfAFenceIsToldAgain) {
    ASSERT_TRUE(operators_.fence({.servers = {1}, .pool = "app", .drain = {}, .lasts = 1s}));
    house_.proxy_troubles.refuse_administer = 1;
    clock_.pass(2s);
    operators_.check_agreement();
}

TEST_F(Story, ARunnerThatComesBackIsNotGivenTheCommandThatItRuns) {
    Runner runner(house_, "dora", 1);
    runner.fail_percent = 0;
    runner.slow = true;
    warm();
    const auto rollout = operators_.deploy({});
    ASSERT_TRUE(wait_for([&] { return runner.commands() == 1; }));
    runner.silent = true;
    ASSERT_TRUE(wait_for([&] {
        clock_.pass(1s);
        return state_of(rollout) == "paused";
    }));
    operators_.resume(false);
    runner.silent = false;
    core::base::sleep_for(2'500ms);
    runner.slow = false;
    wait_for([&] { return state_of(rollout) != "running"; });
}

}  // namespace
}  // namespace tests::search
