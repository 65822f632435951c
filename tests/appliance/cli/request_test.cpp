#include "appliance/cli/request.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "appliance/api/client.hpp"

namespace appliance::cli {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

TEST(Request, ReadingCommandsGet) {
    EXPECT_EQ(request_for({.command = Command::status}, "ada").path, "/v1/status");
    EXPECT_EQ(request_for({.command = Command::status}, "ada").body, "");
    EXPECT_EQ(request_for({.command = Command::rules}, "").path, "/v1/rules");
    EXPECT_EQ(request_for({.command = Command::rules, .nft = true}, "").path, "/v1/rules?format=nft");
    // The table says too what visitors meet where nobody shows the page, and only the status knows that.
    EXPECT_EQ(request_for({.command = Command::maintenance_status}, "").path, "/v1/status");
    EXPECT_EQ(request_for({.command = Command::maintenance_status, .json = true}, "").path, "/v1/maintenance");
}

TEST(Request, AFenceSaysAllThatWasSaid) {
    const Options options{.command = Command::fence,
                          .why = "deploying",
                          .pool = "app",
                          .servers = {"web1", "web2"},
                          .mode = "drop",
                          .all_packets = true,
                          .end = FenceEnd::drain,
                          .drain = 30s,
                          .lasts = 30min};
    const auto request = request_for(options, "ada");
    EXPECT_EQ(request.path, "/v1/fence");
    EXPECT_EQ(json::parse(request.body), json::parse(R"({"servers": ["web1", "web2"], "pool": "app", "mode": "drop", "scope": "all",
        "drain_ms": 30000, "for_ms": 1800000, "why": "deploying", "claimed_by": "ada"})"));
    EXPECT_GT(request.timeout, 30s) << "the client must not give up before the drain's deadline";
}

TEST(Request, WhatWasNotSaidIsNotSent) {
    const auto request = request_for({.command = Command::fence, .servers = {"web1"}}, "");
    EXPECT_EQ(json::parse(request.body), json::parse(R"({"servers": ["web1"], "why": ""})"));
    const auto kill = request_for({.command = Command::fence, .servers = {"web1"}, .end = FenceEnd::kill}, "");
    EXPECT_EQ(json::parse(kill.body)["kill"], true);
    const auto replace = request_for({.command = Command::fence, .servers = {"web1"}, .replace = true}, "");
    EXPECT_EQ(json::parse(replace.body)["replace"], true);
}

TEST(Request, UnfenceWaitsLongerThanItsWait) {
    const auto request = request_for({.command = Command::unfence, .servers = {"web1"}, .wait = 60s}, "");
    EXPECT_EQ(request.path, "/v1/unfence");
    EXPECT_EQ(json::parse(request.body)["wait_ms"], 60000);
    EXPECT_GT(request.timeout, 60s);
}

TEST(Request, AWeightIsANumberOrReset) {
    const Options set{.command = Command::weight, .servers = {"web1"}, .weight = 3};
    const auto request = request_for(set, "ada");
    EXPECT_EQ(request.path, "/v1/weight");
    EXPECT_EQ(json::parse(request.body),
              json::parse(R"({"servers": ["web1"], "weight": 3, "why": "", "claimed_by": "ada"})"));
    const Options reset{.command = Command::weight, .pool = "app", .servers = {"web1"}};
    EXPECT_EQ(json::parse(request_for(reset, "").body),
              json::parse(R"({"servers": ["web1"], "pool": "app", "reset": true, "why": ""})"));
}

TEST(Request, MaintenanceSendsItsEndAsATime) {
    const Options on{.command = Command::maintenance_on,
                     .pool = "app",
                     .message = "Back soon",
                     .until = *core::base::parse_time("2026-11-22T16:00:00+02:00")};
    EXPECT_EQ(json::parse(request_for(on, "ada").body), json::parse(R"({"on": true, "pool": "app", "why": "",
        "message": "Back soon", "until": "2026-11-22T14:00:00Z", "claimed_by": "ada"})"));
    EXPECT_EQ(json::parse(request_for({.command = Command::maintenance_off}, "").body)["on"], false);
}

TEST(Request, AnUpgradeLeavesTheNewBinaryItsTime) {
    const auto request = request_for({.command = Command::upgrade, .why = "0.2"}, "ann");
    EXPECT_EQ(request.path, "/v1/upgrade");
    EXPECT_EQ(json::parse(request.body), json::parse(R"({"why": "0.2", "claimed_by": "ann"})"));
    EXPECT_EQ(request.timeout, api::Client::answer_timeout + std::chrono::seconds(10));
}

TEST(Request, AReasonThatIsNotUtf8IsStillSent) {
    const auto request = request_for({.command = Command::reload, .why = "caf\xe9"}, "");
    EXPECT_EQ(request.path, "/v1/reload");
    EXPECT_TRUE(json::accept(request.body));
}

}  // namespace
}  // namespace appliance::cli
