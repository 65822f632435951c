#include "appliance/cli/views/before.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/appliance/cli/parse.hpp"

namespace appliance::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// web1 serves app (HTTP) and chat (TCP), web2 only app; api has web1's address of app.
Json serving() {
    return Json::parse(R"({
      "listeners": [{"name": "web", "mode": "http", "pool": "app", "routes": [{"pool": "api"}]},
                    {"name": "chat", "mode": "tcp", "pool": "chat"}],
      "pools": [
        {"name": "app", "state": "serving", "maintenance": null, "backends": [
          {"server": "web1", "address": "10.0.0.1:80", "state": "up"},
          {"server": "web2", "address": "10.0.0.2:80", "state": "up"}]},
        {"name": "chat", "state": "serving", "maintenance": {"who": "ada", "why": "schema"}, "backends": [
          {"server": "web1", "address": "10.0.0.1:5222", "state": "up"}]},
        {"name": "api", "state": "serving", "maintenance": null, "backends": [
          {"server": "web1", "address": "10.0.0.1:80", "state": "up"},
          {"server": "web2", "address": "10.0.0.2:80", "state": "up"}]}]})");
}

Common fencing(std::vector<std::string> servers, std::optional<std::string> pool = {}) {
    return {.servers = std::move(servers), .pool = std::move(pool)};
}

TEST(Before, AFenceThatLeavesAUsableServerNeedsNoWord) {
    EXPECT_THAT(before_fence(serving(), fencing({"web2"})).lines, IsEmpty());
    EXPECT_THAT(before_fence(Json(), fencing({"web1"})).lines, IsEmpty());
}

TEST(Before, TheLastServerOfEachPoolIsNamedWithWhatClientsMeet) {
    const Warning warning = before_fence(serving(), fencing({"web1", "web2"}));
    EXPECT_TRUE(warning.asks);
    EXPECT_THAT(warning.lines,
                ElementsAre("warning: web1, web2 are the last servers of app that can serve: visitors will see the "
                            "maintenance page",
                            "warning: web1 is the last server of chat that can serve: its clients will be turned away",
                            "warning: web1, web2 are the last servers of api that can serve: visitors will see the "
                            "maintenance page"));
}

TEST(Before, AServerWithoutAnAddressDoesNotCountAsLeft) {
    Json seen = serving();
    seen["pools"][0]["backends"][1]["state"] = "unknown";
    seen["pools"][0]["backends"][1]["address"] = nullptr;
    EXPECT_THAT(before_fence(seen, fencing({"web1"}, "app")).lines,
                testing::Contains("warning: web1 is the last server of app that can serve: visitors will see the "
                                  "maintenance page"));
}

TEST(Before, ServersThatAreDownOrFencedDoNotCountAsLeft) {
    for (const char* state : {"down", "fenced"}) {
        Json seen = serving();
        seen["pools"][0]["backends"][1]["state"] = state;
        EXPECT_TRUE(before_fence(seen, fencing({"web1"}, "app")).asks) << state;
        // Nothing is lost with a server that does not serve.
        EXPECT_FALSE(before_fence(seen, fencing({"web2"}, "app")).asks) << state;
    }
}

TEST(Before, AServerNotCheckedYetIsNotCountedAsOneThatServes) {
    Json seen = serving();
    seen["pools"][0]["backends"][1]["state"] = "checking";
    EXPECT_THAT(before_fence(seen, fencing({"web1"}, "app")).lines.front(), HasSubstr("(1 not checked yet)"));
}

TEST(Before, APoolThatSharesTheAddressIsNamedThoughAnotherWasMeant) {
    const Warning warning = before_fence(serving(), fencing({"web1"}, "app"));
    EXPECT_FALSE(warning.asks);
    EXPECT_THAT(warning.lines, ElementsAre("the fence holds in pool api too: web1 has the same address there"));
}

TEST(Before, APoolBehindThePageLosesNoVisitor) {
    Json seen = serving();
    seen["pools"][1]["state"] = "maintenance";
    EXPECT_THAT(before_fence(seen, fencing({"web1"})).lines, IsEmpty());
}

TEST(Before, ThePageForAllPoolsNamesThem) {
    const Warning on = before_page(serving());
    EXPECT_TRUE(on.asks);
    EXPECT_THAT(on.lines, ElementsAre("no pool was named, so this is for all of them: app, chat (TCP: its clients are "
                                      "turned away), api"));
    EXPECT_FALSE(Asked<Change>({"maintenance", "on", "app"})->looks_before());
    EXPECT_TRUE(Asked<Change>({"maintenance", "on"})->looks_before());
    Json one = serving();
    one["pools"].erase(2);
    one["pools"].erase(1);
    EXPECT_THAT(before_page(one).lines, IsEmpty());
}

TEST(Before, TakingAllPagesAwayNamesThemAndTheirOwners) {
    const Warning off = before_no_page(serving());
    EXPECT_TRUE(off.asks);
    EXPECT_THAT(off.lines, ElementsAre("no pool was named, so the page goes from all of them: chat (by ada: schema)"));
    Json none = serving();
    none["pools"][1]["maintenance"] = nullptr;
    EXPECT_THAT(before_no_page(none).lines, IsEmpty());
}

}  // namespace
}  // namespace appliance::cli
