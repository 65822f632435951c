// What a monitor keeps of targets that get other names or other checks, or return after a while.
#include "tests/core/health/monitor_fixture.hpp"

namespace core::health::testing {
namespace {

using InheritanceTest = MonitorTest;

// Answers the first check. The others run for as long as the test, and change nothing that it looks at.
Backend::Script answers_once() {
    return [](Visit& visit, int number) {
        visit.read_head();
        if (number == 1) {
            visit.say("HTTP/1.1 200 OK\r\n\r\n");
        }
        visit.wait_for_end();
    };
}

TEST_F(InheritanceTest, KeepsTheStandingUnderOtherNamesOfServerAndPool) {
    Backend backend(answer({200}));
    apply({target("web1", backend.address(), once)});
    const auto before = events_.wait(1);
    Target renamed = target("app1", backend.address(), once);
    renamed.pool = "site";
    EXPECT_EQ(monitor_->forecast({renamed}), std::vector<Health>{Health::up});
    apply({renamed});
    const auto after = monitor_->standings();
    ASSERT_EQ(after.size(), 1U);
    EXPECT_EQ(after[0].pool, "site");
    EXPECT_EQ(after[0].server, "app1");
    EXPECT_EQ(after[0].health, Health::up);
    EXPECT_EQ(after[0].since, before.at(0).since);
    EXPECT_EQ(backend.visits().value(), 1) << "nothing to ask again";
    ASSERT_EQ(events_.inherited().size(), 1U) << "the workers must hear of it under its new name";
    EXPECT_EQ(events_.inherited()[0].server, "app1");
    monitor_->recheck("site", "app1", "fence lifted");
    EXPECT_EQ(events_.wait(3).at(2).server, "app1") << "it is found by its new name";
}

TEST_F(InheritanceTest, ASecondPoolWithTheSameCheckKnowsWhatTheFirstOneKnows) {
    Backend backend(answer({200}));
    apply({target("web1", backend.address(), once)});
    events_.wait(1);
    Target second = target("web1", backend.address(), once);
    second.pool = "more";
    apply({target("web1", backend.address(), once), second});
    const auto after = monitor_->standings();
    ASSERT_EQ(after.size(), 2U);
    EXPECT_EQ(after[0].health, Health::up);
    EXPECT_EQ(after[1].health, Health::up);
}

TEST_F(InheritanceTest, AsksAnewWhereTheCheckOrTheAddressHasChanged) {
    Backend first(answer({200}));
    Backend second(answer({200}));
    apply({target("web1", first.address(), often)});
    events_.wait(1);
    Target changed = target("web1", first.address(), often);
    changed.check.expect = http::StatusSet(204);
    changed.check.fall = 3;
    EXPECT_EQ(monitor_->forecast({changed}), std::vector<Health>{Health::up});
    apply({changed});
    const auto events = events_.wait(2);
    ASSERT_EQ(events.size(), 2U);
    EXPECT_EQ(events[1].why, "200 instead of 204");
    EXPECT_EQ(events[1].health, Health::down);
    EXPECT_EQ(events[1].failed, 3U) << "as many failures of the new check as fall says";
    EXPECT_EQ(monitor_->forecast({target("web1", second.address(), once)}), std::vector<Health>{Health::unknown});
    apply({target("web1", second.address(), once)});
    EXPECT_EQ(events_.wait(3).at(2).health, Health::up);
    EXPECT_EQ(second.visits().value(), 1);
}

TEST_F(InheritanceTest, AServerThatWasDownStaysDownUntilAChangedCheckPasses) {
    Counter released;
    Backend backend([&](Visit& visit, int number) {
        visit.read_head();
        if (number == 1) {
            visit.say("HTTP/1.1 503 Busy\r\n\r\n");
        } else if (released.wait(1)) {
            visit.say("HTTP/1.1 204 No Content\r\n\r\n");
        }
        visit.wait_for_end();
    });
    apply({target("web1", backend.address(), once)});
    events_.wait(1);
    Target changed = target("web1", backend.address(), once);
    changed.check.expect = http::StatusSet(204);
    apply({changed});
    ASSERT_TRUE(backend.visits().wait(2));
    EXPECT_EQ(monitor_->standings().at(0).health, Health::down);
    EXPECT_TRUE(monitor_->standings().at(0).carried);
    released.add();
    EXPECT_EQ(events_.wait(2).at(1).health, Health::up);
    EXPECT_FALSE(monitor_->standings().at(0).carried);
}

TEST_F(InheritanceTest, RemembersForAMomentWhatWasTakenOutAndPutBack) {
    Backend first(answer({200}));
    Backend second(answers_once());
    apply({target("web1", first.address(), once)});
    const auto before = events_.wait(1);
    apply({target("web1", second.address(), once)});
    events_.wait(2);
    apply({target("web1", first.address(), once)});
    const auto back = monitor_->standings();
    EXPECT_EQ(back.at(0).health, Health::up);
    EXPECT_EQ(back.at(0).since, before.at(0).since);
    apply({target("web1", second.address(), once)});
    monitor_->fail("app", "web1", second.address(), "visitors");
    EXPECT_EQ(events_.wait(3).at(2).health, Health::down);
    apply({target("web1", first.address(), once)});
    apply({target("web1", second.address(), once)});
    EXPECT_EQ(monitor_->standings().at(0).health, Health::down) << "the last that was known";
    apply({});  // ends the running check
}

// The new check fails, and the change is taken back: the old check's verdict counts again, not the new one's.
TEST_F(InheritanceTest, AChangeThatGoesBackFindsTheVerdictOfTheCheckBefore) {
    Backend backend(answer({200}));
    const Target good = target("web1", backend.address(), once);
    Target bad = target("web1", backend.address(), often);
    bad.check.expect = http::StatusSet(204);
    apply({good});
    events_.wait(1);
    apply({bad});
    EXPECT_EQ(events_.wait(2).at(1).health, Health::down);
    EXPECT_EQ(monitor_->forecast({good}), std::vector<Health>{Health::down}) << "a reload like any other";
    EXPECT_EQ(monitor_->forecast({good}, Recall::replaced), std::vector<Health>{Health::up});
    monitor_->apply({good}, {}, Recall::replaced);
    EXPECT_EQ(monitor_->standings().at(0).health, Health::up);
}

TEST_F(InheritanceTest, ALiftedFenceForgetsWhatWasKnownOfTheAddressBefore) {
    Backend other(answers_once());
    const Target good = target("web1", other.address(), once, once);
    Target changed = good;
    changed.check.fall = 7;
    apply({good});
    events_.wait(1);
    apply({changed});
    ASSERT_TRUE(other.visits().wait(2));
    monitor_->recheck("app", "web1", "fence lifted");
    EXPECT_EQ(monitor_->forecast({good}, Recall::replaced), std::vector<Health>{Health::unknown});
    monitor_.reset();
}

}  // namespace
}  // namespace core::health::testing
