#include "appliance/control/sync/redirects.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "appliance/config/file/load.hpp"

namespace appliance::control {
namespace {

using nlohmann::json;

constexpr const char* chat_file = R"(
[listen.chat]
address = "0.0.0.0:5222"
mode = "tcp"
pool = "chat"
[listen.web]
address = "0.0.0.0:80"
pool = "app"
[server.web1]
host = "10.0.0.11"
[server.web2]
host = "10.0.0.12"
[pool.app]
port = 80
servers = ["web1"]
[pool.chat]
plane = "kernel"
balance = "source_hash"
masquerade = false
port = 5222
servers = [{ name = "web1", weight = 3 }, { name = "web2", backup = true }]
)";

config::Config chat_config() {
    auto parsed = config::parse(chat_file, "g.toml");
    EXPECT_TRUE(parsed);
    return std::move(*parsed);
}

json report(const char* web1, const char* web2) {
    json backends = json::array();
    backends.push_back({{"server", "web1"}, {"check", {{"state", web1}}}});
    backends.push_back({{"server", "web2"}, {"check", {{"state", web2}}}});
    return {{"pools", {{{"name", "chat"}, {"backends", backends}}}}};
}

std::vector<bool> eligible(const std::vector<netfilter::Redirect>& redirects) {
    std::vector<bool> found;
    for (const auto& backend : redirects.at(0).backends) {
        found.push_back(backend.eligible);
    }
    return found;
}

TEST(Redirects, SayWhatTheFileSaysOfPoolsInTheKernelAlone) {
    const auto redirects = make_redirects(chat_config(), {}, report("up", "down"), {});
    ASSERT_EQ(redirects.size(), 1U);
    EXPECT_EQ(redirects[0].name, "chat");
    EXPECT_EQ(redirects[0].spread, netfilter::Spread::source);
    EXPECT_FALSE(redirects[0].masquerade);
    EXPECT_EQ(redirects[0].backends[0].weight, 3);
    EXPECT_TRUE(redirects[0].backends[1].backup);
    EXPECT_EQ(eligible(redirects), (std::vector{true, false}));
}

TEST(Redirects, LeaveOutFencedBackendsAndAPoolInMaintenance) {
    const auto config = chat_config();
    Administration administration;
    administration.fences[*core::Address::parse("10.0.0.11:5222")] = {};
    EXPECT_EQ(eligible(make_redirects(config, administration, report("up", "up"), {})), (std::vector{false, true}));
    administration.maintenance["chat"] = {};
    EXPECT_EQ(eligible(make_redirects(config, administration, report("up", "up"), {})), (std::vector{false, false}));
}

TEST(Redirects, LeaveTheServersBeforeInPlaceUntilEachOfTheNewOnesHasAVerdict) {
    const auto before = make_redirects(chat_config(), {}, report("up", "up"), {});
    auto config = chat_config();
    config.pools[1].backends[0].address = *core::Address::parse("10.0.0.21:5222");
    config.pools[1].backends[1].address = *core::Address::parse("10.0.0.22:5222");
    ASSERT_EQ(config.pools[1].name, "chat");
    const auto leaning = make_redirects(config, {}, report("unknown", "unknown"), before);
    EXPECT_EQ(eligible(leaning), (std::vector{false, false, true, true}));
    EXPECT_EQ(eligible(make_redirects(config, {}, report("unknown", "down"), leaning)),
              (std::vector{false, false, true, true}));
    EXPECT_EQ(eligible(make_redirects(config, {}, report("unknown", "up"), leaning)), (std::vector{false, true}));
    EXPECT_EQ(eligible(make_redirects(config, {}, report("down", "down"), leaning)), (std::vector{false, false}));
    Administration administration;
    administration.fences[*core::Address::parse("10.0.0.11:5222")] = {};
    EXPECT_EQ(eligible(make_redirects(config, administration, report("unknown", "unknown"), leaning)),
              (std::vector{false, false, true}));
}

TEST(Redirects, DoNotTakeAVerdictOnTheAddressBeforeForOneOnTheNewOne) {
    auto stale = report("up", "up");
    stale["pools"][0]["backends"][0]["address"] = "10.0.0.99:5222";
    stale["pools"][0]["backends"][1]["address"] = "10.0.0.12:5222";
    EXPECT_EQ(eligible(make_redirects(chat_config(), {}, stale, {})), (std::vector{false, true}));
}

TEST(Redirects, TakeAWeightByHandInPlaceOfTheFiles) {
    Administration administration;
    administration.weights[{"chat", "web1"}] = {"chat", "web1", 9, "ann", "", {}};
    administration.weights[{"app", "web2"}] = {"app", "web2", 5, "ann", "", {}};  // another pool's
    const auto redirects = make_redirects(chat_config(), administration, report("up", "up"), {});
    EXPECT_EQ(redirects[0].backends[0].weight, 9);
    EXPECT_EQ(redirects[0].backends[1].weight, 1);
}

TEST(Redirects, StayAsTheyWereForServersThatAProxyJustRestartedHasNotChecked) {
    const auto config = chat_config();
    const auto unchecked = report("unknown", "unknown");
    EXPECT_EQ(eligible(make_redirects(config, {}, unchecked, {})), (std::vector{false, false}));
    const auto before = make_redirects(config, {}, report("up", "down"), {});
    EXPECT_EQ(eligible(make_redirects(config, {}, unchecked, before)), (std::vector{true, false}));
    EXPECT_EQ(eligible(make_redirects(config, {}, report("down", "unknown"), before)), (std::vector{false, false}));
    EXPECT_FALSE(all_checked(config, unchecked));
    EXPECT_FALSE(all_checked(config, report("up", "unknown")));
    EXPECT_TRUE(all_checked(config, report("up", "down")));
}

TEST(Redirects, PutTheKernelsCountsInPlaceOfTheProxys) {
    const auto config = chat_config();
    const auto backend = *core::Address::parse("10.0.0.11:5222");
    nlohmann::ordered_json status;
    status["pools"] = {{{"name", "chat"}, {"backends", {{{"server", "web1"}, {"active", 0}, {"total", 0}}}}},
                       {{"name", "app"}, {"backends", {{{"server", "web1"}, {"active", 7}, {"total", 9}}}}}};
    const std::vector<netfilter::RedirectCount> counts{{config.listeners[0].address, backend, 256, 41}};
    view_redirects(config, counts, {{backend, 4}}, status);
    const auto& chat = status["pools"][0];
    EXPECT_EQ(chat["plane"], "kernel");
    EXPECT_EQ(chat["backends"][0]["active"], 4);
    EXPECT_EQ(chat["backends"][0]["total"], 41);
    EXPECT_EQ(chat["backends"][0]["slots"], 256);
    const auto& app = status["pools"][1];
    EXPECT_EQ(app["plane"], "proxy");
    EXPECT_EQ(app["backends"][0]["active"], 7);
    EXPECT_EQ(app["backends"][0]["total"], 9);
}

}  // namespace
}  // namespace appliance::control
