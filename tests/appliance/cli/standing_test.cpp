#include "appliance/cli/views/standing.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>

#include <nlohmann/json.hpp>

namespace appliance::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Json seen_status(Json active, const char* state = "fenced") {
    Json backend{{"server", "web1"},
                 {"address", "10.0.0.1:80"},
                 {"state", state},
                 {"active", std::move(active)},
                 {"check", {{"state", "down"}, {"why", "connect refused"}}}};
    return {{"version", "0.1.0"}, {"pools", {{{"name", "app"}, {"backends", {std::move(backend)}}}}}};
}

Json seen_rules(const Json& extra = Json::object()) {
    Json fence{{"address", "10.0.0.1:80"}, {"drift", nullptr}};
    fence.update(extra);
    return {{"fences", {std::move(fence)}}};
}

const Common web1{.servers = {"web1"}};

std::vector<std::string> lines_of(const std::vector<Telling>& tellings) {
    std::vector<std::string> said;
    for (const Telling& telling : tellings) {
        said.push_back(telling.line);
    }
    return said;
}

TEST(Standing, AFenceIsToldWithItsRuleAndWhatIsInFlight) {
    EXPECT_THAT(lines_of(tell_fence(seen_status(3), seen_rules(), web1)),
                ElementsAre("web1: fenced, the rule is in the kernel", "web1: 3 requests in flight"));
    EXPECT_THAT(lines_of(tell_fence(seen_status(0), seen_rules(), web1)),
                ElementsAre("web1: fenced, the rule is in the kernel", "web1: 0 requests in flight"));
}

TEST(Standing, TheRuleIsInTheKernelOnlyWhereTheKernelHasIt) {
    for (const Json& seen : {Json(), Json{{"fences", Json::array()}}, seen_rules({{"address", "10.0.0.2:80"}}),
                             seen_rules({{"drift", "missing in the kernel"}})}) {
        EXPECT_EQ(lines_of(tell_fence(seen_status(3), seen, web1)).front(), "web1: being fenced") << seen;
    }
    EXPECT_EQ(lines_of(tell_fence(seen_status(3, "up"), seen_rules(), web1)).front(), "web1: not fenced");
}

TEST(Standing, WhatIsNotKnownIsNeverZero) {
    EXPECT_EQ(lines_of(tell_fence(seen_status(nullptr), seen_rules(), web1)).back(),
              "web1: how many requests are in flight is not known: the proxy does not answer");
    EXPECT_THAT(fence_stands(seen_status(nullptr), web1), HasSubstr("in flight is not known"));
}

TEST(Standing, AServerOfSeveralPoolsIsCountedInAllOfThem) {
    Json two = seen_status(3);
    Json chat = two["pools"][0];
    chat["name"] = "chat";
    chat["backends"][0]["active"] = 1;
    two["pools"].push_back(chat);
    EXPECT_EQ(lines_of(tell_fence(two, seen_rules(), web1)).back(), "web1: 4 requests in flight (app 3, chat 1)");
    two["pools"][1]["backends"][0]["active"] = nullptr;
    EXPECT_THAT(lines_of(tell_fence(two, seen_rules(), web1)).back(), HasSubstr("not known"));
}

TEST(Standing, AFenceStandsAfterCtrlCAndHowToGoOn) {
    EXPECT_EQ(fence_stands(seen_status(3), web1),
              "web1 stays fenced, 3 requests in flight. Repeat the command to wait longer, or: gatehouse unfence web1");
    EXPECT_EQ(fence_stands(seen_status(3, "up"), web1), "web1 is not fenced. See gatehouse status");
    EXPECT_THAT(fence_stands(Json::object(), web1), HasSubstr("no such server is known"));
}

TEST(Standing, AnUnfenceSaysWhatTheCheckWaitsFor) {
    EXPECT_THAT(lines_of(tell_unfence(seen_status(0, "down"), web1)),
                ElementsAre("web1: unfenced, waits for a passed check: connect refused"));
    EXPECT_EQ(unfence_stands(seen_status(0, "down"), web1),
              "web1 is not fenced, its check has not passed: connect refused. See gatehouse status");
    EXPECT_EQ(unfence_stands(seen_status(0), web1), "web1 stays fenced. See gatehouse status");
    Json up = seen_status(0, "up");
    up["pools"][0]["backends"][0]["check"]["state"] = "up";
    EXPECT_EQ(unfence_stands(up, web1), "web1 is not fenced, its check has passed. See gatehouse status");
}

TEST(Standing, AServerThatIsFencedInOneOfItsPoolsIsNotToldAsOpen) {
    Json two = seen_status(3);
    Json chat = seen_status(0, "up")["pools"][0];
    chat["name"] = "chat";
    chat["backends"][0]["check"]["state"] = "up";
    two["pools"].push_back(chat);
    two["pools"][0]["backends"][0]["check"]["state"] = "up";
    EXPECT_THAT(lines_of(tell_unfence(two, web1)), ElementsAre("web1: still fenced in app"));
    EXPECT_EQ(unfence_stands(two, web1), "web1 stays fenced in app. See gatehouse status");
    EXPECT_EQ(lines_of(tell_fence(two, seen_rules(), web1)).front(), "web1: fenced in app");
    EXPECT_THAT(fence_stands(two, web1), HasSubstr("web1 stays fenced in app, 3 requests in flight"));
}

TEST(Standing, EveryOtherChangeHasAWordToo) {
    Json page = seen_status(0);
    page["pools"][0]["maintenance"] = {{"who", "ada"}};
    EXPECT_THAT(page_stands(page, {}), HasSubstr("app shows the page"));
    EXPECT_THAT(page_stands(seen_status(0), {}), HasSubstr("app does not show the page"));
    EXPECT_THAT(upgrade_stands(seen_status(0)), HasSubstr("version 0.1.0 answers; no upgrade is under way"));
    EXPECT_EQ(rollout_stands({{"id", 3}, {"state", "paused"}, {"held", {"web1"}}}),
              "rollout 3 is paused, fenced: web1. See gatehouse deploy status");
    EXPECT_THAT(change_stands({{"entries", {{{"what", "reload"}, {"who", "ada"}, {"outcome", "begun"}}}}}),
                HasSubstr("reload by ada: begun"));
    EXPECT_THAT(change_stands({{"entries", Json::array()}}), HasSubstr("no such change"));
}

TEST(Standing, AnAbortTellsTheStepsThatItWaitsFor) {
    const Json rollout{
        {"steps",
         {{{"id", 0}, {"kind", "fence"}, {"servers", {"web1"}}, {"progress", "done"}},
          {{"id", 1}, {"kind", "run"}, {"servers", {"web1"}}, {"progress", "running"}, {"evidence", "laptop:1:2"}}}}};
    EXPECT_THAT(lines_of(tell_rollout(rollout)), ElementsAre("waits for run web1 (by process 1 on laptop)"));
    EXPECT_TRUE(tell_rollout(Json()).empty());
}

TEST(Standing, ADeployTellsWhatIsInFlightWhileAServerDrains) {
    Json rollout{{"pool", "app"},
                 {"steps", {{{"id", 0}, {"kind", "fence"}, {"servers", {"web1"}}, {"progress", "running"}}}}};
    EXPECT_TRUE(waits_for_servers(rollout));
    EXPECT_THAT(lines_of(tell_waiting(rollout, seen_status(3))), ElementsAre("web1: 3 requests in flight"));
    EXPECT_THAT(lines_of(tell_waiting(rollout, seen_status(nullptr))).front(), HasSubstr("not known"));
    rollout["steps"][0]["kind"] = "open";
    EXPECT_THAT(lines_of(tell_waiting(rollout, seen_status(0, "down"))),
                ElementsAre("web1: unfenced, waits for a passed check: connect refused"));
    rollout["steps"][0]["kind"] = "run";
    EXPECT_FALSE(waits_for_servers(rollout));
    EXPECT_TRUE(tell_waiting(rollout, seen_status(3)).empty());
}

TEST(Teller, PrintsEachThingAgainOnlyWhenItIsAnother) {
    testing::internal::CaptureStderr();
    Teller teller;
    teller.tell({{"web1", "web1: 3"}, {"web2", "web2: 1"}});
    teller.tell({{"web1", "web1: 3"}, {"web2", "web2: 0"}});
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "web1: 3\nweb2: 1\nweb2: 0\n");
}

TEST(Interrupts, AreSeenWhileSomethingIsWaitedFor) {
    Interrupts interrupts;
    EXPECT_EQ(interrupts.wait(std::chrono::milliseconds(0)), 0);
    ::kill(::getpid(), SIGINT);
    EXPECT_EQ(interrupts.wait(std::chrono::hours(1)), SIGINT);
}

TEST(Interrupts, ThatNohupHasSwitchedOffStayOff) {
    ::signal(SIGHUP, SIG_IGN);
    {
        Interrupts interrupts;
        ::kill(::getpid(), SIGHUP);
        EXPECT_EQ(interrupts.wait(std::chrono::milliseconds(0)), 0);
    }
    ::signal(SIGHUP, SIG_DFL);
}

}  // namespace
}  // namespace appliance::cli
