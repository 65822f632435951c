#include "appliance/control/configuration/differences.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace appliance::control {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// One of each thing that has a name, and a firewall that is on.
config::Config config_with_everything() {
    config::Config config;
    config.file = "/etc/gatehouse.toml";
    config.listeners.push_back({{.mode = config::Mode::http}, "web", *core::Address::parse("0.0.0.0:80"), "app"});
    config.servers = {{"web1", *core::Address::parse("10.0.0.1:0")}, {"web2", *core::Address::parse("10.0.0.2:0")}};
    config::Pool pool;
    pool.name = "app";
    pool.backends = {{{}, "web1", *core::Address::parse("10.0.0.1:80")},
                     {{}, "web2", *core::Address::parse("10.0.0.2:80")}};
    config.pools.push_back(pool);
    config::Recipe recipe;
    recipe.name = "site";
    config.recipes.push_back(recipe);
    config::Guard guard;
    guard.name = "bbb";
    guard.secret = "old secret";
    config.guards.push_back(guard);
    config.firewall.enabled = true;
    config.control.remote = config::Remote{*core::Address::parse("0.0.0.0:8443"), {"certificate", "key", "ca"}};
    config.access.push_back({"ann", config::Role::read, "digest", "ann.example.org"});
    return config;
}

struct ChangeCase {
    const char* line;
    std::function<void(config::Config&)> change;
};

std::vector<std::string> changes(const std::function<void(config::Config&)>& change) {
    config::Config after = config_with_everything();
    change(after);
    return describe_changes(config_with_everything(), after);
}

TEST(Differences, EveryPartOfAConfigurationHasALineWhenItChanges) {
    using config::Config;
    const ChangeCase cases[] = {
        {"file: changed", [](Config& c) { c.file = "other.toml"; }},
        {"listener web: changed", [](Config& c) { c.listeners[0].via = true; }},
        {"listener web: changed", [](Config& c) { c.listeners[0].https = true; }},
        {"listener chat: added",
         [](Config& c) {
             c.listeners.push_back({{.mode = config::Mode::tcp}, "chat", {}, "app"});
         }},
        {"listener web: removed", [](Config& c) { c.listeners.clear(); }},
        {"server web1: changed", [](Config& c) { c.servers[0].host = *core::Address::parse("10.0.0.9:0"); }},
        {"order of each server changed", [](Config& c) { std::swap(c.servers[0], c.servers[1]); }},
        {"pool app: check changed", [](Config& c) { c.pools[0].check.passive_fall = 3; }},
        {"pool app: source changed", [](Config& c) { c.pools[0].sources = {*core::Address::parse("10.0.0.5:0")}; }},
        {"pool app: balance source_hash", [](Config& c) { c.pools[0].balance = config::Balance::source_hash; }},
        {"pool app: backend web1 changed", [](Config& c) { c.pools[0].backends[0].weight = 3; }},
        {"pool app: backend web2 removed", [](Config& c) { c.pools[0].backends.pop_back(); }},
        {"pool app: changed", [](Config& c) { c.pools[0].hold = core::Milliseconds(1); }},
        {"recipe site: run, batch changed",
         [](Config& c) {
             c.recipes[0].run = "x";
             c.recipes[0].batch = "2";
         }},
        {"recipe site: removed", [](Config& c) { c.recipes.clear(); }},
        {"guard bbb: changed", [](Config& c) { c.guards[0].margin = core::Milliseconds(1); }},
        {"guard bbb: secret changed", [](Config& c) { c.guards[0].secret = "new secret"; }},
        {"guard bbb: removed", [](Config& c) { c.guards.clear(); }},
        {"site.database: changed", [](Config& c) { c.database = config::Database::multi_master; }},
        {"maintenance: changed", [](Config& c) { c.maintenance.retry_after = core::Milliseconds(1); }},
        {"maintenance.page: changed", [](Config& c) { c.maintenance.bytes = "page"; }},
        {"fence: changed", [](Config& c) { c.fence_mode = config::FenceMode::drop; }},
        {"firewall: changed", [](Config& c) { c.firewall.connections_per_source = 7; }},
        {"firewall: changed", [](Config& c) { c.firewall.enabled = false; }},
        {"firewall.confirm: changed", [](Config& c) { c.firewall.confirm = core::Milliseconds(1); }},
        {"control.socket: changed", [](Config& c) { c.control.socket = "/x"; }},
        {"control.state: changed", [](Config& c) { c.control.state = "/x"; }},
        {"control.listen: removed", [](Config& c) { c.control.remote.reset(); }},
        {"control.listen: changed", [](Config& c) { c.control.remote->listen = {}; }},
        {"control.certificate: changed", [](Config& c) { c.control.remote->material.certificate = "x"; }},
        {"control.key: changed", [](Config& c) { c.control.remote->material.key = "x"; }},
        {"control.client_ca: changed", [](Config& c) { c.control.remote->material.client_ca = "x"; }},
        {"access ann: role changed", [](Config& c) { c.access[0].role = config::Role::admin; }},
        {"access ann: token changed", [](Config& c) { c.access[0].token_sha256 = "x"; }},
        {"access ann: certificate changed", [](Config& c) { c.access[0].certificate = "x"; }},
        {"access bob: added",
         [](Config& c) {
             c.access.push_back({"bob", {}, {}, {}});
         }},
        {"proxy.workers: changed", [](Config& c) { c.proxy.workers = 3; }},
        {"proxy.user: changed", [](Config& c) { c.proxy.user = "x"; }},
        {"proxy.zero_copy: changed", [](Config& c) { c.proxy.zero_copy = config::ZeroCopy::off; }},
        {"proxy.drain: changed", [](Config& c) { c.proxy.drain = core::Milliseconds(1); }},
        {"proxy.relay_drain: changed", [](Config& c) { c.proxy.relay_drain = core::Milliseconds(1); }},
        {"timeouts: changed", [](Config& c) { c.timeouts.connect = core::Milliseconds(1); }},
        {"limits: changed", [](Config& c) { c.limits.head.fields = 1; }},
        {"log: changed", [](Config& c) { c.log.exchanges = false; }},
    };
    for (const ChangeCase& each : cases) {
        EXPECT_THAT(changes(each.change), ElementsAre(each.line)) << each.line;
    }
}

TEST(Differences, NothingIsSaidWhereNothingHasChanged) {
    EXPECT_THAT(describe_changes(config_with_everything(), config_with_everything()), IsEmpty());
}

TEST(Differences, ASecretIsNamedAndNotShown) {
    const auto lines = changes([](config::Config& c) {
        c.guards[0].secret = "hunter2";
        c.guards[0].urls.emplace_back("https://bbb.example.org");
    });
    EXPECT_THAT(lines, UnorderedElementsAre("guard bbb: secret changed", "guard bbb: changed"));
}

TEST(Differences, AFirewallThatIsOffBeforeAndAfterHasNothingToSay) {
    config::Config before = config_with_everything();
    before.firewall.enabled = false;
    config::Config after = before;
    after.firewall.management_ports = {22, 8443};
    EXPECT_THAT(describe_changes(before, after), IsEmpty());
}

TEST(Differences, WhatAnUpgradeTakesInIsToldApartFromWhatOnlyAStartDoes) {
    config::Config wanted = config_with_everything();
    wanted.proxy.workers = 7;
    wanted.proxy.user = "www";
    wanted.control.socket = "/x";
    wanted.control.state = "/y";
    wanted.control.remote.reset();
    std::vector<std::string> notes;
    const config::Config taken = keep_fixed(config_with_everything(), wanted, notes);
    EXPECT_EQ(taken, config_with_everything());
    EXPECT_THAT(notes, ElementsAre("proxy.workers: takes effect at the next gatehouse upgrade",
                                   "proxy.user: takes effect at the next gatehouse upgrade",
                                   "control.socket: takes effect when gatehouse is started again",
                                   "control.state: takes effect at the next gatehouse upgrade",
                                   "control.listen: takes effect at the next gatehouse upgrade"));
}

}  // namespace
}  // namespace appliance::control
