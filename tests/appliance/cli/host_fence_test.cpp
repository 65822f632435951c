// What `gatehouse host-fence` takes and prints. What it does is tested with the kernel, in tests/netfilter and
// tests/system.
#include "appliance/cli/commands/host_fence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/appliance/cli/parse.hpp"

namespace appliance::cli {
namespace {

using namespace std::chrono_literals;
using core::Address;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<netfilter::Change> host_fence_changes(Words words) {
    words.insert(words.begin(), "host-fence");
    return Asked<HostFenceCommand>(words, "ada")->changes(now);
}

std::string host_fence_refusal(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "host-fence");
    return refusal(arguments);
}

netfilter::Fence make_fence() {
    netfilter::Fence fence;
    fence.backend = *Address::parse("10.0.0.5:80");
    fence.id = "host-fence";
    fence.who = "ada";
    fence.why = "deploying 2.3";
    fence.since = now - 2min;
    fence.until = now + 28min;
    fence.packets = 42;
    fence.bytes = 2520;
    return fence;
}

TEST(HostFenceParser, AddTakesAllThatTheContractNames) {
    const auto added = host_fence_changes({"add", "--from", "10.0.0.5", "--port", "80", "--mode", "icmp", "--for",
                                           "30m", "--why", "deploying 2.3", "--json"});
    ASSERT_EQ(added.size(), 1U);
    const auto& fence = std::get<netfilter::Fence>(added.front());
    EXPECT_EQ(fence.backend, *Address::parse("10.0.0.5:80"));
    EXPECT_EQ(fence.mode, netfilter::Mode::icmp);
    EXPECT_EQ(fence.who, "ada");
    EXPECT_EQ(fence.why, "deploying 2.3");
    EXPECT_EQ(fence.until, now + 30min);
}

TEST(HostFenceParser, AddressesAndPortsMayBeSeveralInAnyOfTheUsualForms) {
    std::vector<std::string> removed;
    for (const netfilter::Change& change : host_fence_changes(
             {"remove", "--from", "10.0.0.5", "fd00::5", "--from", "10.0.0.6", "--port", "80,443", "--port", "5222"})) {
        removed.push_back(std::get<netfilter::Unfence>(change).backend.text());
    }
    EXPECT_THAT(removed, ElementsAre("10.0.0.5:80", "10.0.0.5:443", "10.0.0.5:5222", "[fd00::5]:80", "[fd00::5]:443",
                                     "[fd00::5]:5222", "10.0.0.6:80", "10.0.0.6:443", "10.0.0.6:5222"));
}

TEST(HostFenceParser, ListTakesNothingButJson) {
    EXPECT_TRUE(parse({"host-fence", "list", "--json"})->common->json);
    EXPECT_NE(host_fence_refusal({"list", "--port", "80"}), "accepted");
}

TEST(HostFenceParser, WhatIsMissingIsNamed) {
    EXPECT_THAT(host_fence_refusal({}), HasSubstr("name a command: add, remove, list; see gatehouse host-fence -h"));
    EXPECT_THAT(host_fence_refusal({"add", "--port", "80"}), HasSubstr("--from is required"));
    EXPECT_THAT(host_fence_refusal({"remove", "--from", "10.0.0.5"}), HasSubstr("--port is required"));
    EXPECT_THAT(host_fence_refusal({"ad"}), HasSubstr("did you mean 'add'?"));
    EXPECT_THAT(host_fence_refusal({"add", "--from", "10.0.0.5", "--port", "80", "--mode", "rest"}),
                HasSubstr("did you mean 'reset'?"));
}

TEST(HostFenceParser, AnAddressThatCouldNeverMatchIsRefused) {
    const auto with = [](const char* from) { return host_fence_refusal({"add", "--from", from, "--port", "80"}); };
    EXPECT_THAT(with("lb.example.org"), HasSubstr("'lb.example.org' is not an address; write 10.0.0.5"));
    EXPECT_THAT(with("10.0.0.0/24"), HasSubstr("is a network; name each balancer's address"));
    EXPECT_THAT(with("10.0.0.5:80"), HasSubstr("is not an address"));
    EXPECT_THAT(with("0.0.0.0"), HasSubstr("is nobody's address"));
    EXPECT_THAT(with("::"), HasSubstr("is nobody's address"));
    EXPECT_THAT(with(""), HasSubstr("--from"));
}

TEST(HostFenceParser, APortIsANumberFromOneTo65535) {
    for (const char* port : {"0", "65536", "-1", "http", "80x", "4294967376", " 80"}) {
        EXPECT_THAT(host_fence_refusal({"add", "--from", "10.0.0.5", "--port", port}), HasSubstr("--port")) << port;
    }
}

TEST(HostFenceParser, AFenceForNoTimeIsRefusedBecauseItWouldLookLikeOne) {
    EXPECT_THAT(host_fence_refusal({"add", "--from", "10.0.0.5", "--port", "80", "--for", "0s"}), HasSubstr("--for"));
    EXPECT_THAT(host_fence_refusal({"add", "--from", "10.0.0.5", "--port", "80", "--for", "30"}), HasSubstr("--for"));
}

TEST(HostFenceParser, MoreThanAnOperatorCanMeanIsRefused) {
    std::string ports = "1";
    for (int port = 2; port <= 10'001; ++port) {
        ports += "," + std::to_string(port);
    }
    EXPECT_THAT(host_fence_refusal({"add", "--from", "10.0.0.5", "--port", ports.c_str()}),
                HasSubstr("more than 10000 fences"));
}

TEST(ShowHostFences, SaysTheRefusedSourceThePlaceAndTheReason) {
    auto second = make_fence();
    second.backend = *Address::parse("[fd00::5]:443");
    second.mode = netfilter::Mode::drop;
    second.until.reset();
    second.why.clear();
    EXPECT_EQ(show_host_fences(std::vector{make_fence(), second}, now, {}),
              R"(table inet gatehouse_host_fence: 2 fences
FROM      PORT  MODE   HITS  BY   FOR  LEFT
10.0.0.5    80  reset    42  ada  2m   28m
    deploying 2.3
fd00::5    443  drop     42  ada  2m   -
)");
    EXPECT_EQ(show_host_fences({}, now, {}), "table inet gatehouse_host_fence: no fence in the kernel\n");
}

TEST(ShowHostFences, APersonsWordsCannotRewriteTheScreen) {
    auto fence = make_fence();
    fence.why = "\x1b[2Jgone";
    EXPECT_EQ(show_host_fences(std::vector{fence}, now, {}).find('\x1b'), std::string::npos);
    fence.why = "caf\xe9";
    EXPECT_FALSE(nlohmann::json::parse(print_host_fences(std::vector{fence})).empty());
}

TEST(ShowHostFences, JsonCarriesEveryField) {
    EXPECT_EQ(nlohmann::json::parse(print_host_fences(std::vector{make_fence()})), nlohmann::json::parse(R"({
        "table": "inet gatehouse_host_fence",
        "fences": [{"from": "10.0.0.5", "port": 80, "protocol": "tcp", "mode": "reset", "scope": "new",
                    "packets": 42, "bytes": 2520, "id": "host-fence", "who": "ada", "why": "deploying 2.3",
                    "since": "2026-11-22T13:58:00Z", "until": "2026-11-22T14:28:00Z"}]})"));
    netfilter::Fence nameless;
    nameless.backend = *Address::parse("10.0.0.5:80");
    const auto found = nlohmann::json::parse(print_host_fences(std::vector{nameless}))["fences"][0];
    EXPECT_TRUE(found["since"].is_null());
    EXPECT_TRUE(found["until"].is_null());
}

}  // namespace
}  // namespace appliance::cli
