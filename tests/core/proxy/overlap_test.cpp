// A reload that replaces all servers. The old ones serve until a new one has passed a check, and no longer than the
// pool's overlap.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/core/proxy/gate.hpp"

namespace core::proxy::testing {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

using Overlaps = RingTest;

std::function<void(Peer&)> answer_with(const std::string& word) {
    return answer_all("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n" + word);
}

std::function<void(Snapshot&)> overlap(Milliseconds time) {
    return [time](Snapshot& snapshot) { snapshot.pools[0].overlap = time; };
}

constexpr Milliseconds hour{3'600'000};

TEST_F(Overlaps, TheServersBeforeServeUntilACheckHasPassedOneOfTheNewOnes) {
    Origin old(answer_with("old"));
    Origin fresh(answer_with("new"));
    Gate gate({old.address()}, Mode::http, overlap(hour), 2);
    gate.reload_unchecked({fresh.address(), nobody()}, overlap(hour));
    for (int i = 0; i < 8; ++i) {
        EXPECT_THAT(gate.ask(get_close), EndsWith("old"));
    }
    EXPECT_EQ(fresh.connections(), 0) << "no check has passed it";
    gate.server().set_health("app", "web1", fresh.address(), true);
    for (int i = 0; i < 8; ++i) {
        EXPECT_THAT(gate.ask(get_close), EndsWith("new"));
    }
}

TEST_F(Overlaps, AnOverlapThatIsOverShowsThePage) {
    Origin old(answer_with("old"));
    Gate gate({old.address()}, Mode::http, overlap(hour));
    gate.reload_unchecked({nobody()}, overlap(Milliseconds(0)));
    EXPECT_THAT(gate.ask(get_close), StartsWith("HTTP/1.1 503"));
    EXPECT_EQ(old.connections(), 0);
}

TEST_F(Overlaps, AnotherReloadMeanwhileGivesThemNoMoreTimeAndTakesNoneAway) {
    Origin old(answer_with("old"));
    Gate gate({old.address()}, Mode::http, overlap(hour));
    gate.reload_unchecked({nobody()}, overlap(Milliseconds(300)));
    gate.reload_unchecked({nobody()}, overlap(hour));
    EXPECT_THAT(gate.ask(get_close), EndsWith("old"));
    std::string answer;
    for (int i = 0; i < 1'000 && !answer.starts_with("HTTP/1.1 503"); ++i) {
        ::usleep(10'000);
        answer = gate.ask(get_close);
    }
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 503"));
}

TEST_F(Overlaps, AServerWithAVerdictUnderAnotherNameServesAtOnce) {
    Origin first(answer_with("one"));
    Origin second(answer_with("two"));
    Gate gate({first.address()}, Mode::http, overlap(hour));
    gate.reload_unchecked({second.address(), first.address()},
                          [](Snapshot& snapshot) {
                              snapshot.pools[0].name = "site";
                              snapshot.listeners[0].pool = "site";
                          },
                          {{Finding::down, Finding::up}});
    for (int i = 0; i < 4; ++i) {
        EXPECT_THAT(gate.ask(get_close), EndsWith("one"));
    }
    EXPECT_EQ(second.connections(), 0);
}

TEST_F(Overlaps, ServersThatAreKnownToBeDownAreNotReplaced) {
    Origin old(answer_with("old"));
    Gate gate({old.address()}, Mode::http, overlap(hour));
    gate.reload_unchecked({nobody()}, overlap(hour), {{Finding::down}});
    EXPECT_THAT(gate.ask(get_close), StartsWith("HTTP/1.1 503"));
}

TEST_F(Overlaps, ThePoolThatAListenerNamedBeforeServesForANewOne) {
    Origin old(answer_with("old"));
    Origin fresh(answer_with("new"));
    Gate gate({old.address()}, Mode::http, overlap(hour));
    const auto green = [](Snapshot& snapshot) {
        snapshot.pools[0].name = "green";
        snapshot.listeners[0].pool = "green";
    };
    gate.reload_unchecked({fresh.address()}, green);
    EXPECT_THAT(gate.ask(get_close), EndsWith("old"));
    gate.server().set_health("green", "web1", fresh.address(), true);
    EXPECT_THAT(gate.ask(get_close), EndsWith("new"));
}

TEST_F(Overlaps, ThePoolThatARouteNamedBeforeServesForANewOne) {
    Origin old(answer_with("old"));
    const auto route = [](const char* pool) {
        return [pool](Snapshot& snapshot) {
            snapshot.pools[0].name = pool;
            snapshot.listeners[0].pool = "other";
            snapshot.listeners[0].routes = {{"", "/", pool}};
            PoolSpec& other = snapshot.pools.emplace_back();
            other.name = "other";
        };
    };
    Gate gate({old.address()}, Mode::http, route("app"));
    gate.reload_unchecked({nobody()}, route("green"));
    EXPECT_THAT(gate.ask(get_close), EndsWith("old"));
}

TEST_F(Overlaps, AFenceTakesAServerOutThatStandsIn) {
    Origin old(answer_with("old"));
    Gate gate({old.address()}, Mode::http, overlap(hour));
    gate.reload_unchecked({nobody()}, overlap(hour));
    EXPECT_THAT(gate.ask(get_close), EndsWith("old"));
    gate.fence({"web1"});
    EXPECT_THAT(gate.ask(get_close), StartsWith("HTTP/1.1 503"));
}

TEST_F(Overlaps, AServerThatWasDownOrFencedDoesNotStandIn) {
    Origin old(answer_with("old"));
    Gate gate({old.address()}, Mode::http, overlap(hour));
    gate.fence({"web1"});
    gate.reload_unchecked({nobody()}, overlap(hour));
    gate.fence({});
    EXPECT_THAT(gate.ask(get_close), StartsWith("HTTP/1.1 503"));
}

TEST_F(Overlaps, ARelayGoesOnAndANewOneFindsTheServersBefore) {
    Origin old([](Peer& peer) {
        for (std::string line = peer.read_until("\n"); !line.empty(); line = peer.read_until("\n")) {
            peer.send("old " + line);
        }
    });
    Gate gate({old.address()}, Mode::tcp, overlap(hour));
    Peer held = gate.client();
    held.send("a\n");
    EXPECT_EQ(held.read_until("\n"), "old a\n");
    gate.reload_unchecked({nobody()}, overlap(hour));
    held.send("b\n");
    EXPECT_EQ(held.read_until("\n"), "old b\n");
    Peer newcomer = gate.client();
    newcomer.send("c\n");
    EXPECT_EQ(newcomer.read_until("\n"), "old c\n");
}

// The old server gets a request, and answers only when its time is over.
TEST_F(Overlaps, AnExchangeWithAServerThatStoodInEndsAsItBegan) {
    std::promise<void> asked;
    std::promise<void> released;
    Origin old([&, release = released.get_future().share()](Peer& peer) {
        peer.read_until("\r\n\r\n");
        asked.set_value();
        release.wait();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nold");
        peer.read_all();
    });
    Origin fresh(answer_with("new"));
    Gate gate({old.address()}, Mode::http, overlap(hour));
    gate.reload_unchecked({fresh.address()}, overlap(hour));
    Peer client = gate.client();
    client.send(get);
    asked.get_future().wait();
    gate.server().set_health("app", "web1", fresh.address(), true);
    EXPECT_THAT(gate.ask(get_close), EndsWith("new"));
    released.set_value();
    EXPECT_THAT(client.read_until("old"), EndsWith("old"));
    client.send(get_close);
    EXPECT_THAT(client.read_all(), EndsWith("new"));
}

TEST_F(Overlaps, OneOfThemThatFailsIsFollowedByTheNext) {
    Origin old(answer_with("old"));
    Gate gate({nobody(), old.address()}, Mode::http, overlap(hour));
    gate.reload_unchecked({nobody()}, overlap(hour));
    for (int i = 0; i < 4; ++i) {
        EXPECT_THAT(gate.ask(get_close), EndsWith("old"));
    }
}

}  // namespace
}  // namespace core::proxy::testing
