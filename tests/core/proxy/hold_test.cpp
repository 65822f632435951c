// hold: requests wait while no server is up, for as long a gap as an operator allows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/core/proxy/gate.hpp"

namespace core::proxy::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

using Holds = RingTest;

constexpr std::string_view page_text = "We will be right back";

std::function<void(Snapshot&)> hold(Milliseconds time, std::uint32_t queue = 100) {
    return [=](Snapshot& snapshot) {
        snapshot.pools[0].hold = time;
        snapshot.pools[0].queue = queue;
    };
}

TEST_F(Holds, ARequestInAGapIsAnsweredWhenItIsOver) {
    constexpr std::uint64_t clients = 20;
    Origin origin(answer_all(ok));
    Gate gate({origin.address()}, Mode::http, hold(Milliseconds(30'000)), 2);
    gate.fence({"web1"});
    std::vector<std::unique_ptr<Peer>> peers;
    for (std::uint64_t i = 0; i < clients; ++i) {
        peers.push_back(std::make_unique<Peer>(tests::connect_to(gate.address())));
        peers.back()->send(get_close);
    }
    ASSERT_TRUE(gate.waiting(clients));
    EXPECT_EQ(origin.connections(), 0);
    gate.fence({});
    for (const auto& peer : peers) {
        EXPECT_THAT(peer->read_all(), StartsWith("HTTP/1.1 200"));
    }
    const WorkerReport report = gate.server().report();
    EXPECT_EQ(report.queues.at(0).waited, clients);
    EXPECT_EQ(report.queues.at(0).expired, 0U);
}

TEST_F(Holds, AGapThatIsLongerShowsThePageAndHoldsNewcomersNoMore) {
    Origin origin(answer_all(ok));
    Gate gate({origin.address()}, Mode::http, hold(Milliseconds(300)));
    gate.fence({"web1"});
    EXPECT_THAT(gate.ask(get_close), HasSubstr(page_text));
    EXPECT_EQ(gate.server().report().queues.at(0).expired, 1U);
    EXPECT_THAT(gate.ask(get_close), HasSubstr(page_text));
    EXPECT_EQ(gate.server().report().queues.at(0).waited, 1U) << "the gap is too old: no use in waiting";
    gate.fence({});
    EXPECT_THAT(gate.ask(get_close), StartsWith("HTTP/1.1 200"));
    gate.fence({"web1"});
    Peer client = gate.client();
    client.send(get_close);
    ASSERT_TRUE(gate.waiting(1)) << "the next gap is a new one";
    gate.fence({});
    EXPECT_THAT(client.read_all(), StartsWith("HTTP/1.1 200"));
}

TEST_F(Holds, WithoutHoldThePageComesAtOnce) {
    Origin origin(answer_all(ok));
    Gate gate({origin.address()}, Mode::http, hold(Milliseconds(0)));
    gate.fence({"web1"});
    EXPECT_THAT(gate.ask(get_close), HasSubstr(page_text));
    EXPECT_EQ(gate.server().report().queues.at(0).waited, 0U);
}

TEST_F(Holds, NoMoreThanTheQueueHasRoomForTheOthersSeeThePage) {
    Origin origin(answer_all(ok));
    Gate gate({origin.address()}, Mode::http, hold(Milliseconds(30'000), 1));
    gate.fence({"web1"});
    Peer first = gate.client();
    first.send(get_close);
    ASSERT_TRUE(gate.waiting(1));
    EXPECT_THAT(gate.ask(get_close), HasSubstr(page_text));
    EXPECT_EQ(gate.server().report().queues.at(0).overflow, 1U);
    gate.fence({});
    EXPECT_THAT(first.read_all(), StartsWith("HTTP/1.1 200"));
}

TEST_F(Holds, MaintenanceByHandAnswersHeldRequestsWithThePage) {
    Origin origin(answer_all(ok));
    Gate gate({origin.address()}, Mode::http, hold(Milliseconds(30'000)));
    gate.fence({"web1"});
    Peer first = gate.client();
    first.send(get_close);
    Peer second = gate.client();
    second.send(get_close);
    ASSERT_TRUE(gate.waiting(2));
    Administration administration;
    administration.fences.push_back({"app", "web1"});
    administration.maintenance.push_back({"app", "Moving house", ""});
    gate.administer(administration);
    EXPECT_THAT(first.read_all(), HasSubstr("Moving house"));
    EXPECT_THAT(second.read_all(), HasSubstr("Moving house"));
}

TEST_F(Holds, AServerThatThePassiveCheckTookOutIsWaitedForAndNotForEver) {
    Gate gate({nobody()}, Mode::http, [](Snapshot& snapshot) {
        hold(Milliseconds(200))(snapshot);
        snapshot.pools[0].backends[0].passive_fall = 1;
    });
    EXPECT_THAT(gate.ask(get_close), HasSubstr(page_text));
    EXPECT_EQ(gate.server().report().queues.at(0).expired, 1U);
}

TEST_F(Holds, AReloadInAGapForgetsNeitherTheGapNorTheWaitingRequests) {
    Origin origin(answer_all(ok));
    Gate gate({origin.address()}, Mode::http, hold(Milliseconds(30'000)));
    gate.fence({"web1"});
    Peer client = gate.client();
    client.send(get_close);
    ASSERT_TRUE(gate.waiting(1));
    gate.reload({origin.address()});
    ASSERT_TRUE(gate.waiting(1));
    gate.fence({});
    EXPECT_THAT(client.read_all(), StartsWith("HTTP/1.1 200"));
}

TEST_F(Holds, RelaysWaitToo) {
    Origin origin([](Peer& peer) { peer.send(peer.read_until("\n")); });
    Gate gate({origin.address()}, Mode::tcp, hold(Milliseconds(30'000)));
    gate.fence({"web1"});
    Peer client = gate.client();
    client.send("hello\n");
    ASSERT_TRUE(gate.waiting(1));
    gate.fence({});
    EXPECT_EQ(client.read_until("\n"), "hello\n");
}

TEST_F(Holds, AStopDoesNotWaitForHeldRequests) {
    Origin origin(answer_all(ok));
    Gate gate({origin.address()}, Mode::http, hold(Milliseconds(60'000)));
    gate.fence({"web1"});
    Peer client = gate.client();
    client.send(get_close);
    ASSERT_TRUE(gate.waiting(1));
    gate.server().drain(Milliseconds(100));
    gate.end_log();
    EXPECT_THAT(client.read_all(), ::testing::Not(StartsWith("HTTP/1.1 200")));
}

}  // namespace
}  // namespace core::proxy::testing
