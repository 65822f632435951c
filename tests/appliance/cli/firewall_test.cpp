// `gatehouse firewall`: what the command line means, and what an operator reads.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "appliance/cli/views/firewall.hpp"
#include "tests/appliance/cli/parse.hpp"

namespace appliance::cli {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

json make_status() {
    return json::parse(R"({"table": "inet gatehouse_host", "state": "on", "enabled": true, "in_kernel": true,
        "ports": [80, 443], "management": ["10.0.0.0/8"], "management_ports": [22], "connections_per_source": 100,
        "new_per_source": "50/s", "who": null, "why": null, "since": null, "until": null,
        "dropped": {"policy": 7, "rate": 2, "connections": 1}, "repairs": 0})");
}

TEST(FirewallCommand, AsksForTheStatusAndConfirmsWithAReason) {
    EXPECT_TRUE(parse({"firewall", "status", "--json"})->common->json);
    const auto asked = request_of({"firewall", "status"}, "ann");
    EXPECT_EQ(asked.path, "/v1/firewall");
    EXPECT_EQ(asked.body, "");
    const auto request = request_of({"firewall", "confirm", "--why", "I still get in"}, "ann");
    EXPECT_EQ(request.path, "/v1/firewall/confirm");
    EXPECT_EQ(json::parse(request.body), json({{"why", "I still get in"}, {"claimed_by", "ann"}}));
}

TEST(FirewallCommand, ShowsWhatIsOpenAndWhatWasDropped) {
    EXPECT_EQ(show_firewall(make_status(), now, {}),
              "firewall: on\n"
              "  open to all: tcp 80, 443\n"
              "  management: tcp 22 from 10.0.0.0/8\n"
              "  per source: 100 connections at once, 50/s new\n"
              "  dropped: 7 packets to closed ports, 2 over the rate, 1 over the connections\n");
}

TEST(FirewallCommand, SaysHowLongAChangeWaitsAndHowToKeepIt) {
    auto status = make_status();
    status.update({{"state", "on trial"}, {"who", "ann"}, {"why", "a test"}, {"until", "2026-11-22T14:00:45Z"}});
    const auto text = show_firewall(status, now, {.width = 160});
    EXPECT_THAT(text, HasSubstr("by ann (a test); the old one comes back in 45s unless you run, from a new session: "
                                "gatehouse firewall confirm"));
}

TEST(FirewallCommand, SaysWhenTheKernelDoesNotHoldIt) {
    auto status = make_status();
    EXPECT_THAT(show_firewall(status, now, {}), Not(HasSubstr("NOT in the kernel")));
    status["in_kernel"] = false;
    EXPECT_THAT(show_firewall(status, now, {}), HasSubstr("NOT in the kernel"));
    EXPECT_EQ(show_firewall({{"state", "off"}, {"enabled", false}}, now, {}), "firewall: off\n");
}

}  // namespace
}  // namespace appliance::cli
