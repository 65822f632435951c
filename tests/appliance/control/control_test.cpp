#include "tests/appliance/control/memory_fixture.hpp"

namespace appliance::control {
namespace {

using Strings = std::vector<std::string>;

TEST_F(ControlInMemory, GivesANewProxyItsConfigurationAndItsSockets) {
    const json message = proxy_->last("configure");
    const std::size_t workers = message["workers"];
    EXPECT_EQ(message["fds"], workers + 3);
    EXPECT_EQ(message["probe_sockets"]["v4"], 3);
    EXPECT_EQ(message["pools"][0]["backends"][1]["address"], "10.0.0.12:80");
    EXPECT_EQ(proxy_->last("administer")["fences"], json::array());
    EXPECT_EQ(control_->status()["proxy"]["state"], "running");
}

TEST_F(ControlInMemory, FencesEveryBackendOfAServerInProxyAndKernel) {
    const auto done = control_->fence(order({"web1"}));
    ASSERT_TRUE(done.has_value()) << done.error().error.line();
    EXPECT_EQ(fenced(), (Strings{"10.0.0.11:80", "10.0.0.11:5222"}));
    EXPECT_EQ(proxy_->last("administer")["fences"],
              json::parse(R"([{"pool":"app","server":"web1"},{"pool":"chat","server":"web1"}])"));
    const auto status = control_->status();
    EXPECT_EQ(status["pools"][0]["backends"][0]["state"], "fenced");
    EXPECT_EQ(status["pools"][0]["backends"][0]["by"], "ann");
}

TEST_F(ControlInMemory, FencesOnePoolAloneWhenAsked) {
    FenceOrder one = order({"web1"});
    one.pool = "chat";
    ASSERT_TRUE(control_->fence(one).has_value());
    EXPECT_EQ(fenced(), (Strings{"10.0.0.11:5222"}));
}

TEST_F(ControlInMemory, AProxyThatDoesNotConfirmHoldsUpNoFenceAndIsToldAgain) {
    proxy_->refuse("administer");
    const auto answer = control_->fence(order({"web1"}));
    ASSERT_FALSE(answer.has_value());
    EXPECT_EQ(answer.error().status, 504);
    EXPECT_EQ(answer.error().error.what, "the fence holds in the kernel, but the proxy has not confirmed it");
    EXPECT_NE(answer.error().error.why.find("is not known"), std::string::npos);
    EXPECT_EQ(fenced(), (Strings{"10.0.0.11:80", "10.0.0.11:5222"}));
    EXPECT_EQ(Store::open(folder_)->load()->fences.size(), 2U);
    settle();
    EXPECT_EQ(fenced(), (Strings{"10.0.0.11:80", "10.0.0.11:5222"})) << "the comparison takes nothing back";
    proxy_->refuse("");
    control_->tick(Control::Clock::now() + std::chrono::seconds(5));
    EXPECT_EQ(proxy_->last("administer")["fences"].size(), 2U);
    EXPECT_TRUE(control_->fence(order({"web1"})).has_value());
}

TEST_F(ControlInMemory, AKillAndADrainOfAProxyThatDoesNotConfirmDoTheirPartInTheKernel) {
    proxy_->refuse("administer");
    FenceOrder killing = order({"web2"});
    killing.kill = true;
    memory_->flows[{*core::Address::parse("10.0.0.12:80"), IPPROTO_TCP}] = {3, 1};
    const auto killed = control_->fence(killing);
    ASSERT_FALSE(killed.has_value());
    EXPECT_EQ(killed.error().status, 504);
    EXPECT_NE(killed.error().error.why.find("4 connections were ended"), std::string::npos) << killed.error().error.why;
    FenceOrder draining = order({"web1"});
    draining.drain = core::Milliseconds{50};
    const auto drained = control_->fence(draining);
    ASSERT_FALSE(drained.has_value()) << "drained, and the proxy may still send visitors there";
    EXPECT_EQ(drained.error().status, 504);
    EXPECT_EQ(fenced().size(), 3U);
}

TEST_F(ControlInMemory, ADrainLooksOnceMoreAfterTheProxyHasTakenTheFence) {
    proxy_->refuse("administer");
    unsigned administered = 0;
    proxy_->on_request([&](const std::string& type) {
        if (type == "report") {
            proxy_->refuse("");
        } else if (type == "administer" && ++administered == 2) {
            proxy_->active = 1;  // a visitor was sent there before it took the fence
        }
    });
    FenceOrder draining = order({"web2"});
    draining.drain = core::Milliseconds{60};
    const auto drained = control_->fence(draining);
    ASSERT_FALSE(drained.has_value());
    EXPECT_EQ(drained.error().error.why, "1 still in flight");
    EXPECT_EQ(administered, 2U);
    proxy_->on_request({});
}

TEST_F(ControlInMemory, LeavesNothingBehindWhenTheKernelRefuses) {
    memory_->refuse_commit = EPERM;
    EXPECT_FALSE(control_->fence(order({"web1"})).has_value());
    EXPECT_EQ(fenced(), Strings{});
    EXPECT_EQ(control_->status()["pools"][0]["backends"][0]["state"], "up");
    EXPECT_TRUE(Store::open(folder_)->load()->fences.empty());
}

TEST_F(ControlInMemory, NamesTheNearestServer) {
    const auto done = control_->fence(order({"wbe1"}));
    ASSERT_FALSE(done.has_value());
    EXPECT_EQ(done.error().status, 404);
    EXPECT_NE(done.error().error.mend.find("web1"), std::string::npos);
}

TEST_F(ControlInMemory, WaitsForADrainAndSaysWhenItTookTooLong) {
    proxy_->active = 2;
    FenceOrder draining = order({"web2"});
    draining.drain = core::Milliseconds{60};
    const auto late = control_->fence(draining);
    ASSERT_FALSE(late.has_value());
    EXPECT_EQ(late.error().status, 504);
    EXPECT_EQ(fenced(), (Strings{"10.0.0.12:80"}));
    proxy_->active = 0;
    draining.drain = core::Milliseconds{60'000};
    EXPECT_TRUE((*control_->fence(draining))["drained"].get<bool>());
}

TEST_F(ControlInMemory, LiftsAFenceAndWaitsForItsCheck) {
    ASSERT_TRUE(control_->fence(order({"web2"})).has_value());
    UnfenceOrder waiting = lift({"web2"});
    waiting.wait = core::Milliseconds{60'000};
    const auto done = control_->unfence(waiting);
    ASSERT_TRUE(done.has_value());
    EXPECT_EQ((*done)["lifted"], 1);
    EXPECT_EQ(fenced(), Strings{});
    EXPECT_EQ(proxy_->last("administer")["fences"], json::array());
    EXPECT_TRUE(Store::open(folder_)->load()->fences.empty());
}

TEST_F(ControlInMemory, KeepsItsFencesOverItsOwnDeath) {
    ASSERT_TRUE(control_->fence(order({"web2"})).has_value());
    end();
    begin();
    EXPECT_EQ(proxy_->last("administer")["fences"], json::parse(R"([{"pool":"app","server":"web2"}])"));
    EXPECT_EQ((*control_->rules())["fences"][0]["why"], "deploy");
}

TEST_F(ControlInMemory, InstallsStoredFencesAfterAReboot) {
    ASSERT_TRUE(control_->fence(order({"web2"})).has_value());
    end();
    ASSERT_TRUE(kernel_->remove_table().has_value());
    begin();
    EXPECT_EQ(fenced(), (Strings{"10.0.0.12:80"}));
}

TEST_F(ControlInMemory, AdoptsWhatOnlyTheKernelKnows) {
    ASSERT_TRUE(control_->fence(order({"web2"})).has_value());
    end();
    fs::remove(folder_ / "gatehouse.db");
    begin();
    const auto rules = *control_->rules();
    ASSERT_EQ(rules["fences"].size(), 1U);
    EXPECT_EQ(rules["fences"][0]["server"], "web2");
    EXPECT_EQ(rules["fences"][0]["who"], "ann");
    EXPECT_TRUE(rules["fences"][0]["drift"].is_null());
    EXPECT_EQ(control_->status()["pools"][0]["backends"][1]["state"], "fenced");
}

TEST_F(ControlInMemory, TellsDriftBothWays) {
    ASSERT_TRUE(control_->fence(order({"web2"})).has_value());
    netfilter::Fence foreign;
    foreign.backend = *core::Address::parse("10.0.0.11:80");
    foreign.since = core::base::wall_now();
    const netfilter::Change changes[] = {foreign, netfilter::Unfence{*core::Address::parse("10.0.0.12:80")}};
    ASSERT_TRUE(kernel_->apply(changes).has_value());
    const auto rules = *control_->rules();
    ASSERT_EQ(rules["fences"].size(), 2U);
    EXPECT_EQ(rules["fences"][0]["drift"], "unknown to gatehouse");
    EXPECT_EQ(rules["fences"][1]["drift"], "missing in the kernel");
}

TEST_F(ControlInMemory, AReloadOfAnInvalidFileChangesNothing) {
    const json before = proxy_->last("configure");
    write_config("[listen.web]\nadress = 1\n");
    const auto done = control_->reload({"ann", ""});
    ASSERT_FALSE(done.has_value());
    EXPECT_EQ(done.error().status, 422);
    EXPECT_FALSE(done.error().problems.empty());
    EXPECT_EQ(proxy_->last("configure"), before);
}

TEST_F(ControlInMemory, AFenceFollowsItsServerToANewAddress) {
    ASSERT_TRUE(control_->fence(order({"web2"})).has_value());
    std::string moved = plain_config;
    moved.replace(moved.find("10.0.0.12"), 9, "10.0.0.99");
    write_config(moved);
    const auto done = control_->reload({"ann", ""});
    ASSERT_TRUE(done.has_value()) << done.error().error.line();
    EXPECT_EQ(fenced(), (Strings{"10.0.0.99:80"}));
    EXPECT_EQ(proxy_->last("administer")["fences"], json::parse(R"([{"pool":"app","server":"web2"}])"));
}

TEST_F(ControlInMemory, ARefusedReloadLeavesTheOldConfiguration) {
    std::string moved = plain_config;
    moved.replace(moved.find("10.0.0.12"), 9, "10.0.0.99");
    write_config(moved);
    proxy_->refuse("configure");
    EXPECT_FALSE(control_->reload({"ann", ""}).has_value());
    EXPECT_EQ(control_->status()["pools"][0]["backends"][1]["address"], "10.0.0.12:80");
}

TEST_F(ControlInMemory, FencesWithACorruptStoreAndLiftsNothingThen) {
    end();
    for (const auto& entry : fs::directory_iterator(folder_)) {
        if (entry.path().filename().string().starts_with("gatehouse.db")) {
            fs::remove(entry.path());
        }
    }
    std::ofstream(folder_ / "gatehouse.db") << std::string(8192, 'x');
    begin();
    EXPECT_EQ(control_->status()["proxy"]["state"], "running");
    ASSERT_TRUE(control_->fence(order({"web2"})).has_value());
    EXPECT_EQ(fenced(), (Strings{"10.0.0.12:80"}));
    EXPECT_EQ(control_->status()["state_folder"]["unsaved"], true);
    const auto done = control_->unfence(lift({"web2"}));
    ASSERT_FALSE(done.has_value());
    EXPECT_EQ(done.error().error.what, "nothing was lifted");
    EXPECT_NE(done.error().error.line().find("gatehouse.db"), std::string::npos);
    EXPECT_EQ(fenced(), (Strings{"10.0.0.12:80"}));
}

TEST_F(ControlInMemory, ShowsTheMaintenancePageByHand) {
    MaintenanceOrder page;
    page.on = true;
    page.pool = "app";
    page.message = "Back soon";
    ASSERT_TRUE(control_->set_maintenance(page).has_value());
    EXPECT_EQ(proxy_->last("administer")["maintenance"][0]["message"], "Back soon");
    EXPECT_EQ(control_->status()["pools"][0]["state"], "maintenance");
    page.on = false;
    ASSERT_TRUE(control_->set_maintenance(page).has_value());
    EXPECT_EQ(control_->status()["pools"][0]["state"], "serving");
}

TEST_F(ControlInMemory, ThePagesEndIsToldInTheSitesTimeZone) {
    write_config(std::string(plain_config) + "[maintenance]\ntimezone = \"Europe/Berlin\"\n");
    ASSERT_TRUE(control_->reload({"ann", ""}).has_value());
    MaintenanceOrder page;
    page.on = true;
    page.pool = "app";
    page.until = *core::base::parse_time("2099-07-01T12:30:00Z");
    ASSERT_TRUE(control_->set_maintenance(page).has_value());
    const json told = proxy_->last("administer")["maintenance"][0];
    EXPECT_EQ(told["until"], "2099-07-01T12:30:00Z");
    EXPECT_EQ(told["until_local"], "2099-07-01 14:30 CEST");
    page.until.reset();
    ASSERT_TRUE(control_->set_maintenance(page).has_value());
    EXPECT_TRUE(proxy_->last("administer")["maintenance"][0]["until_local"].is_null());
}

TEST_F(ControlInMemory, KeepsAWeightByHandUntilItIsReset) {
    WeightOrder order{{"web1"}, "app", 256, "ann", "new machine"};
    const auto set = control_->set_weight(order);
    ASSERT_TRUE(set.has_value()) << set.error().error.line();
    EXPECT_EQ((*set)["weights"],
              Control::Json::parse(R"([{"pool":"app","server":"web1","weight":256,"by_hand":true}])"));
    EXPECT_EQ(proxy_->last("administer")["weights"], json::parse(R"([{"pool":"app","server":"web1","weight":256}])"));
    end();  // as after a crash
    begin();
    const auto shown = control_->status()["pools"][0]["backends"][0];
    EXPECT_EQ(shown["weight"], 256);
    EXPECT_EQ(shown["weight_by_hand"]["who"], "ann");
    order.weight.reset();
    EXPECT_EQ((*control_->set_weight(order))["weights"][0]["weight"], 1);
    EXPECT_EQ(proxy_->last("administer")["weights"], json::array());
    EXPECT_TRUE(control_->status()["pools"][0]["backends"][0]["weight_by_hand"].is_null());
}

}  // namespace
}  // namespace appliance::control
