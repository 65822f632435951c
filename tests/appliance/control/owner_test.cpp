// A fence's owner, and what the orders that wait for it are told: with two operators and a rollout.
#include <thread>

#include "tests/appliance/control/memory_fixture.hpp"

namespace appliance::control {
namespace {

using Strings = std::vector<std::string>;

class FenceOwner : public ControlInMemory {
protected:
    FenceOrder by(const char* who, const char* why) const {
        FenceOrder made = order({"web2"});
        made.who = who;
        made.why = why;
        return made;
    }
    FenceOrder by_rollout(std::int64_t rollout) const {
        FenceOrder made = by("ann", "rollout");
        made.rollout = rollout;
        made.pool = "app";
        return made;
    }
    UnfenceOrder lift_by(const char* who, const char* why) const {
        UnfenceOrder made = lift({"web2"});
        made.who = who;
        made.why = why;
        return made;
    }
    // A drain under way, and what it answers when `change` has been made in the middle of it.
    Outcome<Control::Json> drain_while(const std::function<void()>& change) {
        proxy_->active = 3;
        FenceOrder draining = by("ann", "release 7");
        draining.drain = core::Milliseconds{20'000};
        Outcome<Control::Json> answer = Control::Json();
        std::thread waiter([&] { answer = control_->fence(draining); });
        for (int tries = 0; tries < 1000 && standing() == 0; ++tries) {
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
        change();
        waiter.join();
        return answer;
    }
    // Lifts a fence, and returns what the wait for a check answers when `change` is made in the middle of it.
    Outcome<Control::Json> lift_and_wait(const std::function<void()>& change) {
        EXPECT_TRUE(control_->fence(by("ann", "")).has_value());
        proxy_->up = false;
        UnfenceOrder waiting = lift_by("ann", "");
        waiting.wait = core::Milliseconds{20'000};
        Outcome<Control::Json> answer = Control::Json();
        std::thread waiter([&] { answer = control_->unfence(waiting); });
        while (standing() > 0) {
            std::this_thread::yield();
        }
        change();
        waiter.join();
        return answer;
    }
    // As control sees the kernel, which another thread may be changing.
    std::size_t standing() { return (*control_->rules())["fences"].size(); }
    Control::Json record() { return (*control_->rules())["fences"][0]; }
};

TEST_F(FenceOwner, ADrainNamesThePersonThatLiftedItsFenceAndIsNotDrained) {
    const auto answer = drain_while([this] {
        ASSERT_TRUE(control_->unfence(lift_by("root", "it is well again")).has_value());
        proxy_->active = 0;
    });
    ASSERT_FALSE(answer.has_value());
    EXPECT_EQ(answer.error().status, 409);
    EXPECT_TRUE(answer.error().error.what.starts_with("the fence of web2 was lifted by root at "));
    EXPECT_TRUE(answer.error().error.what.ends_with("(it is well again)"));
}

// The fence is gone as soon as the kernel lets visitors through, whether the proxy takes it or not.
TEST_F(FenceOwner, ADrainNamesThePersonThatLiftedItsFenceThoughTheProxyDoesNotTakeIt) {
    const auto answer = drain_while([this] {
        proxy_->refuse("administer");
        EXPECT_FALSE(control_->unfence(lift_by("root", "it is well again")).has_value());
    });
    ASSERT_FALSE(answer.has_value());
    EXPECT_EQ(answer.error().status, 409);
    EXPECT_TRUE(answer.error().error.what.starts_with("the fence of web2 was lifted by root at "))
        << answer.error().error.what;
}

TEST_F(FenceOwner, ADrainNamesThePersonThatReplacedItsFence) {
    const auto answer = drain_while([this] {
        FenceOrder other = by("bob", "mine");
        other.replace = true;
        ASSERT_TRUE(control_->fence(other).has_value());
        proxy_->active = 0;
    });
    ASSERT_FALSE(answer.has_value());
    EXPECT_EQ(answer.error().status, 409);
    EXPECT_TRUE(answer.error().error.what.starts_with("the fence of web2 was replaced by bob at "));
}

TEST_F(FenceOwner, ADrainGoesOnWhereAnotherOperatorOnlyMakesTheFenceStricter) {
    const auto answer = drain_while([this] {
        const auto other = control_->fence(by("bob", "mine"));
        ASSERT_TRUE(other.has_value());
        EXPECT_FALSE((*other)["notes"].empty());
        proxy_->active = 0;
    });
    ASSERT_TRUE(answer.has_value()) << answer.error().error.line();
    EXPECT_EQ((*answer)["drained"], true);
}

TEST_F(FenceOwner, ADrainOfASilentProxyIsNotDrained) {
    proxy_->silent = true;
    FenceOrder draining = by("ann", "");
    draining.drain = core::Milliseconds{50};
    const auto answer = control_->fence(draining);
    ASSERT_FALSE(answer.has_value());
    EXPECT_EQ(answer.error().status, 504);
    EXPECT_EQ(answer.error().error.why, "how much is still in flight is not known: the proxy does not answer");
    EXPECT_EQ(fenced(), (Strings{"10.0.0.12:80"}));
    const auto shown = control_->status()["pools"][0];
    EXPECT_EQ(shown["state"], "unknown");
    EXPECT_TRUE(shown["backends"][0]["active"].is_null());
    EXPECT_EQ(shown["backends"][0]["state"], "unknown");
}

TEST_F(FenceOwner, ADrainCountsEveryPoolThatSharesTheAddress) {
    write_config(std::string(plain_config) + "[pool.more]\nport = 80\nservers = [\"web2\"]\n");
    ASSERT_TRUE(control_->reload({"ann", ""}).has_value());
    FenceOrder draining = by("ann", "");
    draining.pool = "app";
    draining.drain = core::Milliseconds{50};
    const auto answer = control_->fence(draining);
    ASSERT_FALSE(answer.has_value()) << "the report says nothing of pool more";
    EXPECT_EQ(answer.error().status, 504);
}

// Its time is over, and control's loop has not come to it yet.
TEST_F(FenceOwner, AFenceThatHasRunOutHasNoOwnerAnyMore) {
    FenceOrder first = by("ann", "disk broken");
    first.lasts = core::Milliseconds{1};
    const auto before = control_->fence(first);
    ASSERT_TRUE(before.has_value());
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    const auto answer = control_->fence(by("bob", "mine"));
    ASSERT_TRUE(answer.has_value()) << answer.error().error.line();
    EXPECT_TRUE((*answer)["notes"].empty()) << (*answer)["notes"];
    EXPECT_EQ((*answer)["fences"][0]["who"], "bob");
    EXPECT_EQ((*answer)["fences"][0]["why"], "mine");
    EXPECT_NE((*answer)["fences"][0]["id"], (*before)["fences"][0]["id"]);
}

TEST_F(FenceOwner, AnotherOperatorsFenceIsKeptWithWhatIsStricter) {
    FenceOrder first = by("ann", "disk broken");
    first.lasts = std::chrono::minutes(30);
    ASSERT_TRUE(control_->fence(first).has_value());
    FenceOrder second = by("bob", "patches");
    second.scope = netfilter::Scope::all;
    const auto answer = control_->fence(second);
    ASSERT_TRUE(answer.has_value()) << answer.error().error.line();
    ASSERT_EQ((*answer)["notes"].size(), 1U);
    EXPECT_NE((*answer)["notes"][0].get<std::string>().find("web2 is fenced by ann since"), std::string::npos);
    EXPECT_EQ(record()["who"], "ann");
    EXPECT_EQ(record()["why"], "disk broken");
    EXPECT_EQ(record()["scope"], "all");
    EXPECT_TRUE(record()["until"].is_null());
}

TEST_F(FenceOwner, EachOperatorThatOrderedAFenceIsNamed) {
    for (const char* who : {"root", "joanna", "ann", "joanna"}) {
        ASSERT_TRUE(control_->fence(by(who, "")).has_value());
    }
    const auto answer = control_->unfence(lift_by("root", ""));
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ((*answer)["notes"], Control::Json({"it was ordered by joanna, ann too"}));
}

TEST_F(FenceOwner, ReplacingNamesTheFormerOwnerAndIsAsOrdered) {
    ASSERT_TRUE(control_->fence(by("ann", "disk broken")).has_value());
    FenceOrder second = by("bob", "patches");
    second.lasts = std::chrono::minutes(5);
    second.replace = true;
    const auto answer = control_->fence(second);
    ASSERT_TRUE(answer.has_value());
    EXPECT_NE((*answer)["notes"][0].get<std::string>().find("ann"), std::string::npos);
    EXPECT_EQ(record()["who"], "bob");
    EXPECT_FALSE(record()["until"].is_null());
}

TEST_F(FenceOwner, ARolloutNeverTakesOverOrLiftsAnOperatorsFence) {
    ASSERT_TRUE(control_->fence(by("ann", "data is corrupt, keep out")).has_value());
    const auto fence = control_->fence(by_rollout(7));
    ASSERT_FALSE(fence.has_value());
    EXPECT_EQ(fence.error().status, 409);
    EXPECT_NE(fence.error().error.what.find("web2 is fenced by ann"), std::string::npos);
    UnfenceOrder opening = lift_by("rollout", "");
    opening.rollout = 7;
    const auto unfence = control_->unfence(opening);
    ASSERT_FALSE(unfence.has_value());
    EXPECT_EQ(unfence.error().status, 409);
    EXPECT_EQ(fenced(), (Strings{"10.0.0.12:80"}));
    EXPECT_EQ(record()["owner"], Control::Json::parse(R"({"kind":"operator"})"));
}

TEST_F(FenceOwner, AnOperatorsFenceDuringARolloutStaysAndTheRolloutIsTold) {
    ASSERT_TRUE(control_->fence(by_rollout(7)).has_value());
    EXPECT_EQ(record()["owner"], Control::Json::parse(R"({"kind":"rollout","rollout":7})"));
    ASSERT_TRUE(control_->holds(7, "app", {"web2"}).has_value());
    FenceOrder own = by("ann", "data is corrupt");
    own.lasts = std::chrono::minutes(1);
    const auto taken = control_->fence(own);
    ASSERT_TRUE(taken.has_value());
    EXPECT_NE((*taken)["notes"][0].get<std::string>().find("rollout 7 held web2"), std::string::npos);
    EXPECT_TRUE(record()["until"].is_null()) << "the rollout's fence had no end, and so the new one has none";
    const auto holds = control_->holds(7, "app", {"web2"});
    ASSERT_FALSE(holds.has_value());
    EXPECT_NE(holds.error().error.what.find("web2 is fenced by ann"), std::string::npos);
}

TEST_F(FenceOwner, ARolloutIsToldThatItsFenceWasLifted) {
    ASSERT_TRUE(control_->fence(by_rollout(7)).has_value());
    const auto lifted = control_->unfence(lift_by("root", "I need it"));
    ASSERT_TRUE(lifted.has_value());
    // The rollout may have ended long since.
    EXPECT_EQ((*lifted)["notes"][0], "rollout 7 held web2; if it is still under way, it pauses at its next step");
    const auto holds = control_->holds(7, "app", {"web2"});
    ASSERT_FALSE(holds.has_value());
    EXPECT_TRUE(holds.error().error.what.starts_with("the fence of web2 was lifted by root at "));
}

TEST_F(FenceOwner, AFenceThatTheKernelLostDoesNotHold) {
    ASSERT_TRUE(control_->fence(by_rollout(7)).has_value());
    const netfilter::Change foreign[] = {netfilter::Unfence{*core::Address::parse("10.0.0.12:80")}};
    ASSERT_TRUE(kernel_->apply(foreign).has_value());
    const auto holds = control_->holds(7, "app", {"web2"});
    ASSERT_FALSE(holds.has_value());
    EXPECT_EQ(holds.error().status, 503);
}

TEST_F(FenceOwner, NoOrderOpensAServerUnderARolloutsCommand) {
    ASSERT_TRUE(control_->fence(by_rollout(7)).has_value());
    ASSERT_TRUE(control_->begin_command(7, "app", "web2").has_value());
    std::atomic<bool> lifted = false;
    std::thread operator_([&] {
        EXPECT_TRUE(control_->unfence(lift_by("root", "")).has_value());
        lifted = true;
    });
    while (control_->begin_command(7, "app", "web2").has_value()) {
        control_->end_command("app", "web2");  // until the order waits
    }
    EXPECT_FALSE(lifted);
    EXPECT_EQ(standing(), 1U);
    control_->end_command("app", "web2");
    operator_.join();
    EXPECT_EQ(fenced(), Strings{});
}

// It waits for the command, and what it meant moves or ends meanwhile.
TEST_F(FenceOwner, AnUnfenceLiftsTheFenceThatItMeantWhereItStandsByThen) {
    std::string moved = plain_config;
    moved.replace(moved.find("10.0.0.12"), 9, "10.0.0.22");
    for (const bool moves : {true, false}) {
        ASSERT_TRUE(control_->fence(by_rollout(7)).has_value());
        ASSERT_TRUE(control_->begin_command(7, "app", "web2").has_value());
        Outcome<Control::Json> answer;
        std::thread operator_([&] { answer = control_->unfence(lift_by("root", "")); });
        while (control_->begin_command(7, "app", "web2").has_value()) {
            control_->end_command("app", "web2");  // until the order waits
        }
        if (moves) {
            write_config(moved);
            ASSERT_TRUE(control_->reload({"bob", ""}).has_value());
        } else {
            ASSERT_TRUE(control_->fence(by("bob", "mine")).has_value());
        }
        control_->end_command("app", "web2");
        operator_.join();
        if (moves) {
            ASSERT_TRUE(answer.has_value()) << answer.error().error.line();
            EXPECT_EQ((*answer)["lifted"], 1);
            EXPECT_EQ(fenced(), Strings{});
        } else {
            ASSERT_FALSE(answer.has_value());
            EXPECT_EQ(answer.error().status, 409);
            EXPECT_TRUE(answer.error().error.what.starts_with("nothing was lifted: web2 is fenced by bob"));
            EXPECT_EQ(fenced(), Strings{"10.0.0.22:80"});
        }
    }
}

TEST_F(FenceOwner, AnOrderThatReplacesOpensAServerAtOnce) {
    ASSERT_TRUE(control_->fence(by_rollout(7)).has_value());
    ASSERT_TRUE(control_->begin_command(7, "app", "web2").has_value());
    UnfenceOrder now = lift_by("root", "");
    now.replace = true;
    EXPECT_TRUE(control_->unfence(now).has_value());
    EXPECT_EQ(fenced(), Strings{});
}

TEST_F(FenceOwner, TheOwnerIsKeptOverARestart) {
    ASSERT_TRUE(control_->fence(by_rollout(7)).has_value());
    end();
    begin();
    EXPECT_EQ(record()["owner"]["rollout"], 7);
    EXPECT_TRUE(control_->holds(7, "app", {"web2"}).has_value());
}

TEST_F(FenceOwner, AnUnfenceThatWaitsIsToldOfANewFence) {
    const auto answer = lift_and_wait([this] { ASSERT_TRUE(control_->fence(by("bob", "not yet")).has_value()); });
    ASSERT_FALSE(answer.has_value());
    EXPECT_EQ(answer.error().status, 409);
    EXPECT_NE(answer.error().error.what.find("web2 is fenced by bob"), std::string::npos);
}

// What checks see at another address says nothing about the one where the fence was lifted.
TEST_F(FenceOwner, AnUnfenceThatWaitsIsToldThatItsServerHasMovedOrGone) {
    for (const bool gone : {false, true}) {
        std::string config = plain_config;
        if (gone) {
            const std::string both = R"(servers = ["web1", "web2"])";
            config.replace(config.find(both), both.size(), R"(servers = ["web1"])");
        } else {
            config.replace(config.find("10.0.0.12"), 9, "10.0.0.22");
        }
        const auto answer = lift_and_wait([&] {
            write_config(config);
            ASSERT_TRUE(control_->reload({"bob", ""}).has_value());
            proxy_->up = true;
        });
        ASSERT_FALSE(answer.has_value());
        EXPECT_EQ(answer.error().status, 409);
        EXPECT_NE(
            answer.error().error.what.find(gone ? "web2 is not in app any more" : "web2 has moved to 10.0.0.22:80"),
            std::string::npos)
            << answer.error().error.line();
        write_config(plain_config);
        ASSERT_TRUE(control_->reload({"bob", ""}).has_value());
    }
}

}  // namespace
}  // namespace appliance::control
