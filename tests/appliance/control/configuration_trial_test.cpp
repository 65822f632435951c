// A change of the configuration that waits to be confirmed: its clock, its store, and what control does with it, before
// a proxy of the test's own.
#include "appliance/control/state/configuration_trial.hpp"

#include <gmock/gmock.h>

#include <sstream>

#include "tests/appliance/control/memory_fixture.hpp"

namespace appliance::control {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

ConfigurationTrial an_hour_from(core::Milliseconds began) {
    return {"before\n", "ann", "a try", core::WallTime(5s), core::WallTime(65s), began, began + 1h, {"app", "chat"}};
}

TEST(ConfigurationTrial, IsOverAtItsEndAndInAMachineThatWasStartedAgain) {
    const auto trial = an_hour_from(100s);
    EXPECT_FALSE(is_over(trial, 100s));
    EXPECT_FALSE(is_over(trial, 100s + 1h - 1ms));
    EXPECT_TRUE(is_over(trial, 100s + 1h));
    EXPECT_TRUE(is_over(trial, 99s)) << "the clock began anew";
}

class ConfigurationOnTrial : public ControlInMemory {
protected:
    [[nodiscard]] std::string text(const std::string& fall) const {
        std::string text = plain_config;
        text.insert(text.find("[pool.chat]"),
                    "check = { type = \"tcp\", interval = \"1s\", timeout = \"1s\", fall = " + fall + " }\n");
        return text + "[control]\nstate = \"" + folder_.string() + "\"\n";
    }
    [[nodiscard]] std::string at_place() const {
        std::ostringstream text;
        text << std::ifstream(folder_ / "g.toml").rdbuf();
        return text.str();
    }
    api::Reply put(const std::string& body, const std::string& confirm_ms) {
        return ask({"PUT", "/v1/configuration", {{"confirm_ms", confirm_ms}}, body, {0, 1, "root"}});
    }
    api::Reply post(const char* path, const std::string& body = "{}") {
        return ask({"POST", path, {}, body, {0, 1, "root"}});
    }
    json trial() { return json::parse(ask({"GET", "/v1/status", {}, "", {0, 1, "root"}}).body)["trial"]; }
    // Lets the trial that is stored be over, and control begin again.
    void let_it_be_over() {
        end();
        auto stored = *load_trial(folder_);
        ASSERT_TRUE(stored.has_value());
        stored->ends = boot_now();
        ASSERT_TRUE(save_trial(folder_, stored));
        begin();
    }
};

TEST_F(ConfigurationOnTrial, IsKeptAndForgottenAgain) {
    EXPECT_EQ(*load_trial(folder_), std::nullopt);
    ASSERT_TRUE(save_trial(folder_, an_hour_from(100s)));
    EXPECT_EQ(*load_trial(folder_), an_hour_from(100s));
    ASSERT_TRUE(save_trial(folder_, std::nullopt));
    EXPECT_EQ(*load_trial(folder_), std::nullopt);
}

TEST_F(ConfigurationOnTrial, ItsTimeIsFromASecondToAnHour) {
    for (const char* wrong : {"999", "3600001", "x", ""}) {
        EXPECT_EQ(put(text("3"), wrong).status, 400) << wrong;
    }
    for (const char* wrong : {"999", "3600001", "-1", "\"1s\""}) {
        EXPECT_EQ(post("/v1/reload", std::string("{\"confirm_ms\":") + wrong + "}").status, 400) << wrong;
    }
    EXPECT_EQ(put(text("3"), "1000").status, 200);
    EXPECT_EQ(put(text("4"), "3600000").status, 200);
}

TEST_F(ConfigurationOnTrial, IsShownConfirmedAndThenIsNoTrial) {
    const std::string before = at_place();
    const auto reply = put(text("3"), "60000");
    ASSERT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(json::parse(reply.body)["trial"]["who"], "root");
    EXPECT_EQ(trial()["who"], "root");
    EXPECT_EQ(load_trial(folder_)->value().before, before);
    EXPECT_EQ(post("/v1/configuration/confirm").status, 200);
    EXPECT_EQ(trial(), nullptr);
    EXPECT_EQ(*load_trial(folder_), std::nullopt);
    EXPECT_EQ(at_place(), text("3"));
    EXPECT_EQ(post("/v1/configuration/confirm").status, 409);
}

TEST_F(ConfigurationOnTrial, AnotherChangeIsRefusedUnlessItIsOnTrialToo) {
    const std::string before = at_place();
    ASSERT_EQ(put(text("3"), "60000").status, 200);
    EXPECT_EQ(ask({"PUT", "/v1/configuration", {}, text("4"), {0, 1, "root"}}).status, 409);
    EXPECT_EQ(post("/v1/reload").status, 409);
    EXPECT_EQ(at_place(), text("3"));
    ASSERT_EQ(put(text("5"), "60000").status, 200);
    EXPECT_EQ(load_trial(folder_)->value().before, before) << "what was confirmed last";
    EXPECT_EQ(post("/v1/configuration/rollback").status, 200);
    EXPECT_EQ(at_place(), before);
    EXPECT_EQ(trial(), nullptr);
}

TEST_F(ConfigurationOnTrial, GoesBackAfterARestartWhenItsTimeIsOver) {
    const std::string before = at_place();
    ASSERT_EQ(put(text("3"), "60000").status, 200);
    let_it_be_over();
    EXPECT_EQ(post("/v1/configuration/confirm").status, 409) << "it is too late";
    settle();
    EXPECT_EQ(at_place(), before);
    EXPECT_EQ(trial(), nullptr);
}

TEST_F(ConfigurationOnTrial, IsStillOneAfterARestart) {
    ASSERT_EQ(put(text("3"), "60000").status, 200);
    end();
    begin();
    EXPECT_EQ(trial()["who"], "root");
    EXPECT_EQ(at_place(), text("3"));
}

TEST_F(ConfigurationOnTrial, OneThatHadNotBegunWhenControlDiedIsNone) {
    end();
    auto trial_before = an_hour_from(boot_now());
    trial_before.before = at_place();
    ASSERT_TRUE(save_trial(folder_, trial_before));
    begin();
    EXPECT_EQ(trial(), nullptr);
}

TEST_F(ConfigurationOnTrial, GoesBackAtOnceWhereNoServerOfAPoolPasses) {
    const std::string before = at_place();
    ASSERT_EQ(put(text("3"), "60000").status, 200);
    proxy_->up = false;
    control_->tick(Control::Clock::now() + 1s);
    EXPECT_EQ(at_place(), before);
    EXPECT_EQ(trial(), nullptr);
    EXPECT_EQ(proxy_->last("configure")["recall"], true);
}

TEST_F(ConfigurationOnTrial, AnAnswerSaysThatItHasGoneBack) {
    proxy_->fails_after_configure = true;
    const std::string before = at_place();
    const auto reply = put(text("3"), "60000");
    EXPECT_EQ(reply.status, 409);
    EXPECT_THAT(reply.body, HasSubstr("the configuration before is back"));
    EXPECT_THAT(reply.body, HasSubstr("pool app: no server passes its check"));
    EXPECT_EQ(at_place(), before);
}

TEST_F(ConfigurationOnTrial, WithoutATrialTheAnswerHoldsAWarning) {
    proxy_->fails_after_configure = true;
    const auto reply = ask({"PUT", "/v1/configuration", {}, text("3"), {0, 1, "root"}});
    ASSERT_EQ(reply.status, 200) << reply.body;
    EXPECT_THAT(json::parse(reply.body)["warnings"].dump(), HasSubstr("pool app: no server passes its check"));
    EXPECT_EQ(at_place(), text("3"));
}

TEST_F(ConfigurationOnTrial, HoldsRequestsForASecondWhileItIsOne) {
    ASSERT_EQ(put(text("3"), "60000").status, 200);
    EXPECT_EQ(proxy_->last("configure")["pools"][0]["hold"], 1000);
    ASSERT_EQ(post("/v1/configuration/confirm").status, 200);
    control_->tick(Control::Clock::now() + 1s);
    EXPECT_EQ(proxy_->last("configure")["pools"][0]["hold"], 0);
}

TEST_F(ConfigurationOnTrial, AChangeThatIsRefusedIsOnNoTrial) {
    supervisor_->refuse("open_listeners");
    EXPECT_NE(put(text("3"), "60000").status, 200);
    EXPECT_EQ(trial(), nullptr);
    EXPECT_EQ(*load_trial(folder_), std::nullopt);
}

TEST_F(ConfigurationOnTrial, TheSameTextAgainIsNoChangeToConfirm) {
    ASSERT_EQ(put(at_place(), "60000").status, 200);
    EXPECT_EQ(trial(), nullptr);
}

}  // namespace
}  // namespace appliance::control
