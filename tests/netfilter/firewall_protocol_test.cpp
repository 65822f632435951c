// The firewall's orders to the fence process, whole and damaged.
#include "netfilter/protocol/firewall_protocol.hpp"

#include <gtest/gtest.h>

#include <cstring>

namespace netfilter::wire {
namespace {

HostRules sample() {
    HostRules rules;
    rules.ports = {80, 443};
    rules.management_ports = {22};
    rules.management = {*core::Network::parse("10.0.0.0/8"), *core::Network::parse("fd00::/64")};
    rules.connections_per_source = 100;
    rules.new_per_source = {50, 60};
    rules.redirected = {5222, 5223};
    return rules;
}

Request packed(const HostRules& rules, FirewallAction action = FirewallAction::put) {
    Request request{};
    request.magic = magic;
    request.kind = static_cast<std::uint8_t>(Kind::firewall);
    request.last = 1;
    pack_firewall(action, rules, request);
    return request;
}

// The order after a change to one field on its way.
template <typename Change>
bool refused(Change change) {
    auto request = packed(sample());
    FirewallItem item{};
    std::memcpy(&item, request.items.data(), sizeof item);
    change(item);
    std::memcpy(request.items.data(), &item, sizeof item);
    return !unpack_firewall(request);
}

TEST(FirewallProtocol, CarriesTheRulesWhole) {
    EXPECT_TRUE(well_formed(packed(sample())));
    const auto order = unpack_firewall(packed(sample()));
    ASSERT_TRUE(order);
    EXPECT_EQ(order->action, FirewallAction::put);
    EXPECT_EQ(order->rules, sample());
    EXPECT_EQ(unpack_firewall(packed({}, FirewallAction::remove))->action, FirewallAction::remove);
}

TEST(FirewallProtocol, CarriesTheAnswerWhole) {
    Reply reply{};
    pack_firewall({true, HostDrops{1, 2, 3}}, reply);
    EXPECT_TRUE(unpack_firewall(reply).changed);
    EXPECT_EQ(unpack_firewall(reply).drops, (HostDrops{1, 2, 3}));
    pack_firewall({false, std::nullopt}, reply);
    EXPECT_FALSE(unpack_firewall(reply).changed);
    EXPECT_FALSE(unpack_firewall(reply).drops);
}

TEST(FirewallProtocol, RefusesWhatNoClientOfOursSends) {
    EXPECT_FALSE(refused([](FirewallItem&) {}));
    EXPECT_TRUE(refused([](FirewallItem& item) { item.action = 0; }));
    EXPECT_TRUE(refused([](FirewallItem& item) { item.action = 4; }));
    EXPECT_TRUE(refused([](FirewallItem& item) { item.redirected_count = HostRules::redirected_max + 1; }));
    EXPECT_TRUE(refused([](FirewallItem& item) { item.redirected[1] = 5222; })) << "twice";
    EXPECT_TRUE(refused([](FirewallItem& item) { item.ports_count = HostRules::ports_max + 1; }));
    EXPECT_TRUE(refused([](FirewallItem& item) { item.management_ports_count = 65535; }));
    EXPECT_TRUE(refused([](FirewallItem& item) { item.management_count = HostRules::management_max + 1; }));
    EXPECT_TRUE(refused([](FirewallItem& item) { item.ports[1] = 80; })) << "twice";
    EXPECT_TRUE(refused([](FirewallItem& item) { item.ports[0] = 0; }));
    EXPECT_TRUE(refused([](FirewallItem& item) { item.management_ports[0] = 443; })) << "in both lists";
    EXPECT_TRUE(refused([](FirewallItem& item) { item.management[0].family = 5; }));
    EXPECT_TRUE(refused([](FirewallItem& item) { item.management[0].prefix = 33; }));
    EXPECT_TRUE(refused([](FirewallItem& item) { item.management[0].prefix = 4; })) << "bits behind the prefix";
    EXPECT_TRUE(refused([](FirewallItem& item) { item.new_unit = 7; }));
    EXPECT_TRUE(refused([](FirewallItem& item) { item.connections_per_source = 1'000'001; }));
}

}  // namespace
}  // namespace netfilter::wire
