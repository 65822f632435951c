// Several fixes cover the same fault. In each of these stories only one of them can help.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <future>

#include "tests/search/story.hpp"

namespace tests::search {
namespace {

using namespace std::chrono_literals;

// A wait for a drain ends with the fence, before its own deadline.
TEST_F(Story, AnAnswerDoesNotSayThatALiftedFenceHolds) {
    warm();
    const std::string address = load(1);
    auto draining = std::async(std::launch::async, [&] {
        return operators_.fence({.servers = {1}, .pool = "app", .drain = 20s, .lasts = {}});
    });
    ASSERT_TRUE(wait_for([&] { return fenced(1); }));
    operators_.unfence({1}, "app", {});
    house_.end_request(address);
    const auto answer = draining.get();
    ASSERT_FALSE(answer.has_value());
    EXPECT_EQ(answer.error().status, 409);
}

// The rollout has looked at its fence, and waits for another order; an operator's order about its server comes first.
TEST_F(Story, ARolloutDoesNotLiftAFenceThatAnOperatorSetsBetweenItsLookAndItsLift) {
    Runner runner(house_, "dora", 1);
    runner.fail_percent = 0;
    warm();
    runner.slow = true;
    const auto rollout = operators_.deploy({});
    ASSERT_NE(rollout, 0);
    ASSERT_TRUE(wait_for([&] { return step_of(rollout, "run", "web1") == "running"; }));
    house_.proxy_troubles.late = 1;
    auto page = std::async(std::launch::async, [&] { return operators_.maintenance("chat", true); });
    ASSERT_TRUE(wait_for([&] { return house_.proxy_troubles.late == 0; }));
    auto fencing = std::async(std::launch::async, [&] {
        return operators_.fence({.servers = {0}, .pool = "app", .drain = {}, .lasts = {}});
    });
    core::base::sleep_for(50ms);
    runner.slow = false;
    page.get();
    ASSERT_TRUE(fencing.get().has_value());
    wait_for([&] { return state_of(rollout) != "running"; });
    EXPECT_TRUE(fenced(0));
}

// The repair after an abort does not check the fences before it lifts them.
TEST_F(Story, AnAbortDoesNotLiftTheFenceThatAnOperatorHasSetInPlaceOfTheRollouts) {
    warm();
    load(1, 0);
    const auto rollout = operators_.deploy({.drain = 60s});
    ASSERT_TRUE(wait_for([&] { return fenced(0); }));
    ASSERT_TRUE(operators_.fence({.servers = {0}, .pool = "app", .drain = {}, .lasts = {}, .replace = true}));
    operators_.abort();
    EXPECT_NE(state_of(rollout), "running");
    EXPECT_TRUE(fenced(0));
}

// Before the comparison with the kernel, which comes with the next tick.
TEST_F(Story, AnOrderThatIsRefusedIsTakenBackBeforeItsAnswer) {
    warm();
    load(1);
    house_.kernel_troubles.refuse = 10;
    ASSERT_FALSE(operators_.fence({.servers = {1}, .pool = "app", .drain = {}, .lasts = {}}));
    house_.kernel_troubles.refuse = 0;
    EXPECT_TRUE(rotates(1));
    ASSERT_TRUE(operators_.fence({.servers = {1}, .pool = "app", .drain = {}, .lasts = {}}));
    house_.refuse_listeners(1);
    EXPECT_FALSE(operators_.reload({.moved = 2, .more = true}));
    house_.write_config({});
    EXPECT_TRUE(fenced(1));
    const std::lock_guard lock(house_.truth.mutex);
    const std::string moved = fmt::format("127.0.1.22:{}", unsigned{house_.web.port()});
    EXPECT_FALSE(house_.truth.in_kernel(moved).has_value()) << "the fence of the refused configuration stands";
}

// The putting back fails too.
TEST_F(Story, WhatCouldNotBeTakenBackGoesWithTheNextComparison) {
    ASSERT_TRUE(operators_.fence({.servers = {1}, .pool = "app", .drain = {}, .lasts = {}}));
    house_.kernel_troubles.spare = 1;
    house_.kernel_troubles.refuse = 1;
    house_.refuse_listeners(1);
    EXPECT_FALSE(operators_.reload({.moved = 2, .more = true}));
    house_.write_config({});
    EXPECT_EQ(house_.kernel_troubles.refuse, 0U) << "nothing was to be put back";
    operators_.check_agreement();
}

TEST_F(Story, AnOpeningWaitsForTheCommandThatRunsThere) {
    Runner runner(house_, "dora", 1);
    runner.fail_percent = 0;
    warm();
    runner.slow = true;
    const auto rollout = operators_.deploy({});
    ASSERT_NE(rollout, 0);
    ASSERT_TRUE(wait_for([&] { return runner.commands() == 1; }));
    auto opening = std::async(std::launch::async, [&] { return operators_.unfence({0}, "app", {}); });
    core::base::sleep_for(5s);
    EXPECT_TRUE(fenced(0)) << "it is opened under a running command";
    runner.slow = false;
    EXPECT_TRUE(opening.get().has_value());
    wait_for([&] { return state_of(rollout) != "running"; });
}

}  // namespace
}  // namespace tests::search
