// When a change of the firewall counts, for how long, and what a restart makes of it.
#include "appliance/control/state/firewall_trial.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "appliance/control/state/firewall_store.hpp"
#include "appliance/control/sync/firewall.hpp"

namespace appliance::control {
namespace {

using namespace std::chrono_literals;

const core::WallTime start(core::Milliseconds(1'753'430'000'000));

config::Firewall make(unsigned connections) {
    config::Firewall firewall;
    firewall.enabled = true;
    firewall.management = {*core::Network::parse("10.0.0.0/8")};
    firewall.connections_per_source = connections;
    firewall.new_per_source = {100, 60};
    firewall.confirm = 60s;
    return firewall;
}

FirewallTrial on_trial() {
    return begin_change({make(1), std::nullopt, std::nullopt}, make(2), "ann", "more", start);
}

TEST(FirewallTrial, AChangeCountsAtOnceAndGoesBackUnlessItIsConfirmed) {
    const auto trial = on_trial();
    EXPECT_EQ(trial.in_force(), make(2));
    EXPECT_FALSE(expire(trial, start + 59'999ms));
    const auto back = expire(trial, start + 60s);
    ASSERT_TRUE(back);
    EXPECT_EQ(back->in_force(), make(1));
    EXPECT_EQ(back->refused, make(2));
}

TEST(FirewallTrial, AConfirmedChangeStays) {
    const auto trial = confirm(on_trial());
    ASSERT_TRUE(trial);
    EXPECT_EQ(trial->in_force(), make(2));
    EXPECT_FALSE(expire(*trial, start + 24h));
    EXPECT_FALSE(confirm(*trial)) << "there is nothing left to confirm";
}

TEST(FirewallTrial, ASecondChangeGoesBackToWhatWasConfirmedLast) {
    const auto trial = begin_change(on_trial(), make(3), "ben", "", start + 30s);
    EXPECT_FALSE(expire(trial, start + 60s)) << "its time begins anew";
    EXPECT_EQ(expire(trial, start + 90s)->in_force(), make(1));
}

TEST(FirewallTrial, TheSameChangeAgainDoesNotPutItsEndOff) {
    const auto trial = begin_change(on_trial(), make(2), "ben", "", start + 30s);
    EXPECT_EQ(trial, on_trial());
}

TEST(FirewallTrial, GoingBackToWhatIsConfirmedNeedsNoConfirmation) {
    const auto trial = begin_change(on_trial(), make(1), "ann", "", start + 30s);
    EXPECT_FALSE(trial.change);
    EXPECT_EQ(trial.in_force(), make(1));
}

TEST(FirewallTrial, AnotherTimeToConfirmIsNoChange) {
    auto wanted = make(1);
    wanted.confirm = 30s;
    const auto trial = begin_change({make(1), std::nullopt, std::nullopt}, wanted, "ann", "", start);
    EXPECT_FALSE(trial.change);
    EXPECT_EQ(trial.confirmed.confirm, 30s);
}

TEST(FirewallTrial, AClockSetBackEndsAChangeInsteadOfKeepingIt) {
    EXPECT_FALSE(expire(on_trial(), start - 5s));
    EXPECT_TRUE(expire(on_trial(), start - 5'001ms));
}

TEST(FirewallTrial, ARestartGoesOnWaitingAndTakesBackWhatIsOver) {
    EXPECT_EQ(begin(on_trial(), make(2), start + 30s), on_trial());
    const auto late = begin(on_trial(), make(2), start + 2h);
    EXPECT_EQ(late.in_force(), make(1));
    EXPECT_EQ(begin(late, make(2), start + 3h).in_force(), make(1)) << "it was refused, and stays so";
}

TEST(FirewallTrial, TheFirstStartTakesTheFileAndALaterOnePutsAChangeOnTrial) {
    EXPECT_EQ(begin(std::nullopt, make(1), start), (FirewallTrial{make(1), std::nullopt, std::nullopt}));
    const auto changed = begin(FirewallTrial{make(1), std::nullopt, std::nullopt}, make(2), start);
    EXPECT_EQ(changed.in_force(), make(2));
    EXPECT_EQ(expire(changed, start + 60s)->in_force(), make(1));
}

TEST(FirewallTrial, AReloadTriesAgainWhatWasRefused) {
    const auto back = *expire(on_trial(), start + 60s);
    const auto again = begin_change(back, make(2), "ann", "", start + 5min);
    EXPECT_EQ(again.in_force(), make(2));
    EXPECT_FALSE(again.refused);
}

TEST(FirewallStore, KeepsTheStateWhole) {
    std::string name = "/tmp/gatehouse-firewall-XXXXXX";
    const std::filesystem::path folder = ::mkdtemp(name.data());
    EXPECT_FALSE(*FirewallStore::open(folder)->load());
    auto refused = on_trial();
    refused.refused = make(7);
    for (const auto& trial : {refused, on_trial(), *confirm(on_trial())}) {
        ASSERT_TRUE(FirewallStore::open(folder)->save(trial));
        EXPECT_EQ(**FirewallStore::open(folder)->load(), trial);
    }
    auto damaged = state::Database::open(folder / "gatehouse.db");
    ASSERT_TRUE(damaged->execute("UPDATE firewall SET state='{\"confirmed\":{\"enabled\":3}}'"));
    EXPECT_FALSE(FirewallStore::open(folder)->load());
    std::filesystem::remove_all(folder);
}

TEST(HostRules, OpenTheListenersPortsButNotThoseOnLoopback) {
    config::Config config;
    for (const char* address : {"0.0.0.0:443", "[::]:443", "10.0.0.1:80", "127.0.0.1:8080", "[::1]:8081"}) {
        config.listeners.push_back({{.mode = config::Mode::http}, address, *core::Address::parse(address), "app"});
    }
    const auto rules = host_rules(make(5), config);
    EXPECT_EQ(rules.ports, (std::vector<std::uint16_t>{80, 443}));
    EXPECT_EQ(rules.management_ports, (std::vector<std::uint16_t>{22}));
    EXPECT_EQ(rules.connections_per_source, 5U);
    EXPECT_EQ(rules.new_per_source, (netfilter::Rate{100, 60}));
    EXPECT_TRUE(netfilter::validate(rules));
}

TEST(HostRules, LeaveAPortToTheManagersWhenAListenerHasTakenItSince) {
    config::Config config;
    config.listeners.push_back({{.mode = config::Mode::tcp}, "ssh", *core::Address::parse("0.0.0.0:22"), "app"});
    const auto rules = host_rules(make(0), config);
    EXPECT_TRUE(rules.ports.empty());
    EXPECT_TRUE(netfilter::validate(rules));
}

}  // namespace
}  // namespace appliance::control
