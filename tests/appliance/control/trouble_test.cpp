// The state folder in trouble, clocks that are set, and what a failure in the middle leaves: nothing is lost.
#include "tests/appliance/control/memory_fixture.hpp"
#include "tests/support/set_clock.hpp"

namespace appliance::control {
namespace {

using Strings = std::vector<std::string>;

class ControlWithClock : public ControlInMemory {
protected:
    void fence_for(core::Milliseconds time) {
        FenceOrder limited = order({"web2"});
        limited.lasts = time;
        ASSERT_TRUE(control_->fence(limited).has_value());
    }
    void after(core::Milliseconds time) {
        clock_.pass(time);
        settle();
    }
    tests::support::SetClock clock_;
};

TEST_F(ControlWithClock, AFenceForATimeEndsWhenTheTimeHasPassed) {
    fence_for(std::chrono::minutes(30));
    after(std::chrono::minutes(30) - std::chrono::seconds(1));
    EXPECT_EQ(fenced(), (Strings{"10.0.0.12:80"}));
    after(std::chrono::seconds(1));
    EXPECT_EQ(fenced(), Strings{});
    EXPECT_EQ(proxy_->last("administer")["fences"], json::array());
}

TEST_F(ControlWithClock, AStepOfTheWallClockLiftsNothingAndKeepsNothing) {
    for (const core::Milliseconds step :
         {std::chrono::hours(1), std::chrono::hours(-1), std::chrono::hours(24 * 400)}) {
        fence_for(std::chrono::minutes(30));
        clock_.set(step);
        after(std::chrono::minutes(29));
        EXPECT_EQ(fenced(), (Strings{"10.0.0.12:80"}));
        EXPECT_EQ((*control_->rules())["fences"][0]["drift"], nullptr);
        EXPECT_EQ(proxy_->last("administer")["fences"].size(), 1U);
        after(std::chrono::minutes(1));
        EXPECT_EQ(fenced(), Strings{});
        EXPECT_EQ(control_->status()["pools"][0]["backends"][1]["fence"], nullptr);
    }
}

TEST_F(ControlWithClock, AStepOfTheWallClockWhileControlIsAwayLiftsNothing) {
    fence_for(std::chrono::minutes(30));
    end();
    clock_.set(std::chrono::hours(1));
    clock_.pass(std::chrono::minutes(10));
    begin();
    EXPECT_EQ(fenced(), (Strings{"10.0.0.12:80"}));
    after(std::chrono::minutes(19));
    EXPECT_EQ(fenced(), (Strings{"10.0.0.12:80"}));
    after(std::chrono::minutes(1));
    EXPECT_EQ(fenced(), Strings{});
}

TEST_F(ControlWithClock, AFlushAfterAStepBringsBackWhatIsLeftOfAFence) {
    fence_for(std::chrono::minutes(30));
    clock_.set(std::chrono::hours(1));
    memory_->tables.clear();
    ++memory_->generation;
    ASSERT_TRUE(kernel_->repair().has_value());
    EXPECT_EQ(fenced(), (Strings{"10.0.0.12:80"}));
    after(std::chrono::minutes(29));
    EXPECT_EQ(fenced(), (Strings{"10.0.0.12:80"}));
    after(std::chrono::minutes(1));
    EXPECT_EQ(fenced(), Strings{});
}

TEST_F(ControlWithClock, ThePagesEndFollowsTheWallClock) {
    MaintenanceOrder page;
    page.on = true;
    page.pool = "app";
    page.until = clock_.wall() + std::chrono::hours(2);
    ASSERT_TRUE(control_->set_maintenance(page).has_value());
    clock_.set(std::chrono::hours(1));
    after(std::chrono::minutes(59));
    EXPECT_EQ(control_->status()["pools"][0]["state"], "maintenance");
    after(std::chrono::minutes(1));
    EXPECT_EQ(control_->status()["pools"][0]["state"], "serving");
}

class ControlInTrouble : public ControlInMemory {
protected:
    // A file stands where the folder was.
    void spoil() {
        fs::rename(folder_, folder_.string() + ".away");
        std::ofstream(folder_) << "a file";
    }
    void mend() {
        fs::remove(folder_);
        fs::rename(folder_.string() + ".away", folder_);
    }
    void look() {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        control_->tick(Control::Clock::now() + std::chrono::hours(1));
    }
};

TEST_F(ControlInTrouble, FencesAndThePageWorkAndAreWrittenWhenThereIsRoom) {
    ASSERT_TRUE(control_->fence(order({"web1"})).has_value());
    spoil();
    ASSERT_TRUE(control_->fence(order({"web2"})).has_value());
    MaintenanceOrder page;
    page.on = true;
    page.pool = "chat";
    ASSERT_TRUE(control_->set_maintenance(page).has_value());
    EXPECT_EQ(fenced().size(), 3U);
    const auto shown = control_->status()["state_folder"];
    EXPECT_EQ(shown["state"], "trouble");
    EXPECT_EQ(shown["unsaved"], true);
    EXPECT_FALSE(shown["why"].get<std::string>().empty());
    mend();
    look();
    EXPECT_EQ(control_->status()["state_folder"]["state"], "ok");
    EXPECT_EQ(Store::open(folder_)->load()->fences.size(), 3U);
    EXPECT_EQ(Store::open(folder_)->load()->maintenance.size(), 1U);
}

TEST_F(ControlInTrouble, WhatOpensSomethingIsRefusedAndChangesNothing) {
    ASSERT_TRUE(control_->fence(order({"web2"})).has_value());
    spoil();
    const auto lifted = control_->unfence(lift({"web2"}));
    ASSERT_FALSE(lifted.has_value());
    EXPECT_EQ(lifted.error().error.what, "nothing was lifted");
    const auto weighed = control_->set_weight({{"web1"}, "app", 7, "ann", ""});
    ASSERT_FALSE(weighed.has_value());
    EXPECT_EQ(weighed.error().error.what, "no weight was changed");
    EXPECT_EQ(fenced(), (Strings{"10.0.0.12:80"}));
    EXPECT_EQ(control_->status()["pools"][0]["backends"][0]["weight"], 1);
    mend();
    EXPECT_TRUE(control_->unfence(lift({"web2"})).has_value());
    EXPECT_EQ(control_->status()["state_folder"]["state"], "ok");
}

TEST_F(ControlInTrouble, AFolderThatIsGoneIsSeenWithoutAnOrder) {
    spoil();
    look();
    EXPECT_EQ(control_->status()["state_folder"]["state"], "trouble");
    EXPECT_EQ(control_->status()["state_folder"]["unsaved"], false);
    mend();
}

TEST_F(ControlInTrouble, AStateThatWasUnreadableAtTheStartIsTakenOverAndNotOverwritten) {
    MaintenanceOrder page;
    page.on = true;
    page.pool = "chat";
    ASSERT_TRUE(control_->set_maintenance(page).has_value());
    ASSERT_TRUE(control_->fence(order({"web1"})).has_value());
    end();
    const auto text = folder_ / "gatehouse.db";
    const auto kept = folder_ / "kept.db";
    for (const char* suffix : {"-wal", "-shm"}) {
        fs::remove(text.string() + suffix);
    }
    fs::rename(text, kept);
    std::ofstream(text) << std::string(8192, 'x');
    begin();
    EXPECT_EQ(proxy_->last("administer")["fences_known"], false);
    EXPECT_EQ(proxy_->last("administer")["state_known"], false);
    // What is not found in a state that was not read may be there: nothing is said to be lifted or taken off.
    const auto lifted = control_->unfence(lift({"web2"}));
    ASSERT_FALSE(lifted.has_value());
    EXPECT_EQ(lifted.error().status, 503);
    EXPECT_THAT(lifted.error().error.line(),
                testing::StartsWith("nothing was lifted: what the state folder holds is "));
    page.on = false;
    const auto off = control_->set_maintenance(page);
    ASSERT_FALSE(off.has_value());
    EXPECT_EQ(off.error().status, 503);
    ASSERT_TRUE(control_->fence(order({"web2"})).has_value());
    fs::rename(kept, text);
    look();
    look();
    const auto stored = *Store::open(folder_)->load();
    EXPECT_EQ(stored.fences.size(), 3U);
    EXPECT_EQ(stored.maintenance.size(), 1U);
    EXPECT_EQ(control_->status()["pools"][1]["state"], "maintenance");
    EXPECT_EQ(proxy_->last("administer")["state_known"], true);
    EXPECT_EQ(proxy_->last("administer")["fences_known"], true);
}

TEST_F(ControlInMemory, AReloadThatFailsLateLosesNoFence) {
    ASSERT_TRUE(control_->fence(order({"web2"})).has_value());
    std::string moved = plain_config;
    moved.replace(moved.find("10.0.0.12"), 9, "10.0.0.99");
    write_config(moved);
    proxy_->refuse("configure");
    ASSERT_FALSE(control_->reload({"ann", ""}).has_value());
    EXPECT_EQ(fenced(), (Strings{"10.0.0.12:80"}));
    EXPECT_EQ((*control_->rules())["fences"][0]["drift"], nullptr);
}

TEST_F(ControlInMemory, AProxyThatMissedAnOrderIsToldAgain) {
    ASSERT_TRUE(control_->fence(order({"web2"})).has_value());
    proxy_->refuse("administer");
    static_cast<void>(control_->unfence(lift({"web2"})));
    EXPECT_EQ(fenced(), Strings{});
    proxy_->refuse("");
    settle();
    EXPECT_EQ(proxy_->last("administer")["fences"], json::array());
}

TEST_F(ControlInMemory, AWaitForChecksLooksAtServersThatWereOpenAlready) {
    proxy_->up = false;
    UnfenceOrder waiting = lift({"web2"});
    waiting.wait = core::Milliseconds{50};
    const auto done = control_->unfence(waiting);
    ASSERT_FALSE(done.has_value());
    EXPECT_EQ(done.error().status, 504);
}

}  // namespace
}  // namespace appliance::control
