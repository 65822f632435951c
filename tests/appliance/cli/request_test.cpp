#include "appliance/cli/client/request.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "appliance/api/client.hpp"
#include "tests/appliance/cli/parse.hpp"

namespace appliance::cli {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

TEST(Request, ReadingCommandsGet) {
    EXPECT_EQ(request_of({"status"}, "ada").path, "/v1/status");
    EXPECT_EQ(request_of({"status"}, "ada").body, "");
    EXPECT_EQ(request_of({"rules"}).path, "/v1/rules");
    EXPECT_EQ(request_of({"rules", "--nft"}).path, "/v1/rules?format=nft");
    // The table says too what visitors meet where no operator shows the page, and only the status knows that.
    EXPECT_EQ(request_of({"maintenance", "status"}).path, "/v1/status");
    EXPECT_EQ(request_of({"maintenance", "status", "--json"}).path, "/v1/maintenance");
    EXPECT_EQ(request_of({"metrics"}).path, "/v1/metrics");
    EXPECT_EQ(request_of({"metrics", "--json"}).path, "/v1/metrics?format=json");
    EXPECT_EQ(request_of({"audit", "--last", "7"}).path, "/v1/audit?last=7");
    EXPECT_EQ(request_of({"guard", "--for", "90s", "--at", "30m"}).path,
              "/v1/guard?for_ms=90000&at=2026-11-22T14:30:00Z");
}

TEST(Request, AFenceSaysAllThatWasSaid) {
    const auto request = request_of({"fence", "web1", "web2", "--pool", "app", "--mode", "drop", "--scope", "all",
                                     "--drain", "30s", "--for", "30m", "--why", "deploying"},
                                    "ada");
    EXPECT_EQ(request.path, "/v1/fence");
    EXPECT_EQ(json::parse(request.body),
              json::parse(R"({"servers": ["web1", "web2"], "pool": "app", "mode": "drop", "scope": "all",
        "drain_ms": 30000, "for_ms": 1800000, "why": "deploying", "claimed_by": "ada"})"));
    EXPECT_GT(request.timeout, 30s) << "the client must not give up before the drain's deadline";
}

TEST(Request, WhatWasNotSaidIsNotSent) {
    EXPECT_EQ(order_of({"fence", "web1"}), json::parse(R"({"servers": ["web1"], "why": ""})"));
    EXPECT_EQ(order_of({"fence", "web1", "--kill"})["kill"], true);
    EXPECT_EQ(order_of({"fence", "web1", "--replace"})["replace"], true);
}

TEST(Request, UnfenceWaitsLongerThanItsWait) {
    const auto request = request_of({"unfence", "web1", "--wait", "60s"});
    EXPECT_EQ(request.path, "/v1/unfence");
    EXPECT_EQ(json::parse(request.body)["wait_ms"], 60000);
    EXPECT_GT(request.timeout, 60s);
    EXPECT_FALSE(order_of({"unfence", "web1"}).contains("wait_ms"));
}

TEST(Request, AWeightIsANumberOrReset) {
    const auto request = request_of({"weight", "web1", "--set", "3"}, "ada");
    EXPECT_EQ(request.path, "/v1/weight");
    EXPECT_EQ(json::parse(request.body),
              json::parse(R"({"servers": ["web1"], "weight": 3, "why": "", "claimed_by": "ada"})"));
    EXPECT_EQ(order_of({"weight", "web1", "--pool", "app", "--reset"}),
              json::parse(R"({"servers": ["web1"], "pool": "app", "reset": true, "why": ""})"));
}

TEST(Request, MaintenanceSendsItsEndAsATime) {
    EXPECT_EQ(
        order_of({"maintenance", "on", "app", "--message", "Back soon", "--until", "2026-11-22T18:00:00+02:00"}, "ada"),
        json::parse(R"({"on": true, "pool": "app", "why": "", "message": "Back soon",
        "until": "2026-11-22T16:00:00Z", "claimed_by": "ada"})"));
    EXPECT_EQ(order_of({"maintenance", "off"})["on"], false);
}

TEST(Request, AnUpgradeLeavesTheNewBinaryItsTime) {
    const auto request = request_of({"upgrade", "--why", "0.2"}, "ann");
    EXPECT_EQ(request.path, "/v1/upgrade");
    EXPECT_EQ(json::parse(request.body), json::parse(R"({"why": "0.2", "claimed_by": "ann"})"));
    EXPECT_EQ(request.timeout, api::Client::answer_timeout + std::chrono::seconds(10));
}

TEST(Request, AReasonThatIsNotUtf8IsStillSent) {
    const auto request = request_of({"reload", "--why", "caf\xe9"});
    EXPECT_EQ(request.path, "/v1/reload");
    EXPECT_TRUE(json::accept(request.body));
}

}  // namespace
}  // namespace appliance::cli
