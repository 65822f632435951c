#include "appliance/control/observe/events.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/appliance/control/memory_fixture.hpp"

namespace appliance::control {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> lines_of(const Events::News& news) {
    std::vector<std::string> lines;
    for (const Events::Event& event : news.events) {
        lines.push_back(event.line);
    }
    return lines;
}

TEST(Events, ComeInOrderAfterTheOneThatWasSeen) {
    Events events;
    const auto before = events.newest();
    events.publish("fence", "{\"a\":1}\n");
    events.publish("health", "{\"b\":2}\n");
    const auto news = events.after(before, 0ms);
    EXPECT_THAT(lines_of(news), ElementsAre("{\"a\":1}", "{\"b\":2}"));
    EXPECT_EQ(news.events[1].kind, "health");
    EXPECT_FALSE(news.missed);
    EXPECT_THAT(lines_of(events.after(news.events[0].id, 0ms)), ElementsAre("{\"b\":2}"));
    EXPECT_TRUE(events.after(news.events[1].id, 1ms).events.empty());
}

TEST(Events, AWaitingReaderIsWoken) {
    Events events;
    const auto before = events.newest();
    std::thread other([&] { events.publish("fence", "{}"); });
    EXPECT_EQ(events.after(before, 1h).events.size(), 1U);
    other.join();
}

TEST(Events, ThatAreNotKeptAnyMoreAreSaidToBeMissed) {
    Events events;
    const auto before = events.newest();
    for (std::size_t i = 0; i < Events::kept_max; ++i) {
        events.publish("tick", std::to_string(i));
    }
    EXPECT_FALSE(events.after(before, 0ms).missed);
    EXPECT_EQ(events.after(before, 0ms).events.size(), Events::kept_max);
    events.publish("tick", "one more");
    const auto news = events.after(before, 0ms);
    EXPECT_TRUE(news.missed);
    EXPECT_EQ(news.events.size(), Events::kept_max);
    EXPECT_EQ(news.events.front().line, "1");
    // A reader that asks for all there is; then one that has seen an earlier process's events.
    EXPECT_FALSE(events.after(0, 0ms).missed);
    EXPECT_TRUE(events.after(before - 5, 0ms).missed);
}

TEST(Events, HaveSoManyFollowersAndNoMore) {
    Events events;
    std::vector<std::shared_ptr<void>> places;
    for (unsigned i = 0; i < Events::followers_max; ++i) {
        places.push_back(events.follow());
        ASSERT_NE(places.back(), nullptr);
    }
    EXPECT_EQ(events.follow(), nullptr);
    places.pop_back();
    EXPECT_NE(events.follow(), nullptr);
}

class Following : public ControlInMemory {};

TEST_F(Following, TellsWhatIsLoggedAsServerSentEvents) {
    const auto before = control_->events().newest();
    control_->log("trial", {{"what", "a\nb"}});
    auto reply = ask({"GET", "/v1/events", {}, "", {0, 1, "root"}, std::to_string(before)});
    EXPECT_EQ(reply.type, "text/event-stream");
    ASSERT_TRUE(reply.stream);
    std::string text;
    EXPECT_TRUE(reply.stream([&](std::string_view part) {
        text += part;
        return true;
    }));
    EXPECT_THAT(text, HasSubstr("\nevent: trial\ndata: {\"time\":\""));
    EXPECT_THAT(text, HasSubstr("\"what\":\"a\\nb\"}\n\n"));
    EXPECT_FALSE(reply.stream([](std::string_view) { return false; })) << "a peer that is gone";
}

TEST_F(Following, RefusesAnIdThatIsNone) {
    EXPECT_EQ(ask({"GET", "/v1/events", {{"after", "x"}}, "", {0, 1, "root"}}).status, 400);
}

TEST_F(Following, AChangeIsAnOperationThatCanBeAwaited) {
    const auto done = ask({"POST", "/v1/maintenance", {}, R"({"on": true, "why": "a try"})", {0, 1, "root"}});
    ASSERT_EQ(done.status, 200);
    const auto entry = nlohmann::json::parse(
        ask({"GET", "/v1/operation", {{"id", done.fields.at("Gatehouse-Operation")}}, "", {0, 1, "root"}}).body);
    EXPECT_EQ(entry["what"], "maintenance");
    EXPECT_EQ(entry["outcome"], "done");
    EXPECT_EQ(ask({"GET", "/v1/operation", {{"id", "999"}}, "", {0, 1, "root"}}).status, 404);
    EXPECT_EQ(ask({"GET", "/v1/operation", {}, "", {0, 1, "root"}}).status, 400);
    EXPECT_EQ(ask({"GET", "/v1/operation", {{"id", "1"}, {"wait_ms", "x"}}, "", {0, 1, "root"}}).status, 400);
}

}  // namespace
}  // namespace appliance::control
