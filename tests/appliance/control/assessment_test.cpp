#include "appliance/control/observe/assessment.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace appliance::control {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

config::Config pools(const std::vector<std::string>& names, const std::string& listened) {
    config::Config config;
    config.listeners.push_back({{.mode = config::Mode::http}, "web", *core::Address::parse("0.0.0.0:80"), listened});
    for (const std::string& name : names) {
        config::Pool pool;
        pool.name = name;
        pool.backends = {{{}, "web1", *core::Address::parse("10.0.0.1:80")},
                         {{}, "web2", *core::Address::parse("10.0.0.2:80")}};
        config.pools.push_back(pool);
    }
    return config;
}

json check(const char* state, const char* why, bool carried = false) {
    return {{"state", state}, {"why", why}, {"carried", carried}};
}

json report(const std::string& pool, const json& web1, const json& web2) {
    return {{"pools",
             {{{"name", pool},
               {"backends", {{{"server", "web1"}, {"check", web1}}, {{"server", "web2"}, {"check", web2}}}}}}}};
}

TEST(Assessment, OneServerThatPassesIsEnough) {
    const auto seen = assess(pools({"app"}, "app"), {"app"}, report("app", check("up", "200"), check("down", "503")));
    EXPECT_TRUE(seen.decided);
    EXPECT_THAT(seen.dark, IsEmpty());
    EXPECT_THAT(seen.doubtful, IsEmpty());
}

TEST(Assessment, APoolInWhichEveryServerFailsIsDark) {
    const auto seen = assess(pools({"app"}, "app"), {"app"}, report("app", check("down", "404"), check("down", "503")));
    EXPECT_TRUE(seen.decided);
    EXPECT_THAT(seen.dark, ElementsAre("pool app: no server passes its check (web1: 404, web2: 503)"));
}

TEST(Assessment, AVerdictOfTheCheckBeforeSaysNothingOfTheNewOne) {
    const auto seen =
        assess(pools({"app"}, "app"), {"app"}, report("app", check("up", "404", true), check("down", "503")));
    EXPECT_FALSE(seen.decided);
    EXPECT_THAT(seen.dark, IsEmpty());
    EXPECT_THAT(seen.doubtful, ElementsAre("pool app: no server has passed its check yet (web1: 404, web2: 503)"));
}

TEST(Assessment, WhatIsUnknownIsNeitherDarkNorServed) {
    const auto unknown = report("app", check("unknown", "no check has ended yet"), check("down", "503"));
    for (const json& each : {json(), json::object(), unknown}) {
        const auto seen = assess(pools({"app"}, "app"), {"app"}, each);
        EXPECT_FALSE(seen.decided) << each;
        EXPECT_THAT(seen.dark, IsEmpty()) << each;
    }
}

TEST(Assessment, OnlyPoolsThatHadAServerAreLookedAt) {
    const auto down = report("app", check("down", "503"), check("down", "503"));
    EXPECT_THAT(assess(pools({"app"}, "app"), {}, down).dark, IsEmpty());
    EXPECT_THAT(assess(pools({"app"}, "app"), {"gone"}, down).dark, IsEmpty());
    EXPECT_THAT(served_before(pools({"app"}, "app"), down, pools({"app"}, "app")), IsEmpty());
}

TEST(Assessment, ANewPoolStandsInForTheOneThatItsListenerNamed) {
    const auto up = report("blue", check("up", "200"), check("down", "503"));
    const auto before = pools({"blue"}, "blue");
    EXPECT_THAT(served_before(before, up, pools({"blue", "green"}, "green")), ElementsAre("blue", "green"));
    EXPECT_THAT(served_before(before, up, pools({"blue", "green"}, "blue")), ElementsAre("blue"));
    EXPECT_THAT(served_before(before, json(), pools({"blue", "green"}, "green")), IsEmpty());
}

TEST(Assessment, ItsPatienceIsThatOfFallChecksAndEndsAtFiveSeconds) {
    auto config = pools({"app"}, "app");
    config.pools[0].check.interval = 1s;
    config.pools[0].check.timeout = 500ms;
    config.pools[0].check.fall = 3;
    EXPECT_EQ(patience_for(config, {"app"}), 4'500ms);
    config.pools[0].check.fall = 4;
    EXPECT_EQ(patience_for(config, {"app"}), 5s);
    EXPECT_EQ(patience_for(config, {}), 0ms);
}

}  // namespace
}  // namespace appliance::control
