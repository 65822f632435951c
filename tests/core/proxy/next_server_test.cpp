// Requests that one server has left without an answer: when another is tried, and which server is blamed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/core/proxy/gate.hpp"

namespace core::proxy::testing {
namespace {

using ::testing::StartsWith;

using NextServer = RingTest;

// A server that stops resets its backlog: that costs no visitor a GET.
TEST_F(NextServer, AsksTheNextServerWhereAFreshConnectionEndsWithoutAnAnswer) {
    for (const bool reset : {false, true}) {
        Origin going([reset](Peer& peer) {
            peer.read_until("\r\n\r\n");
            reset ? peer.reset() : peer.end();
        });
        Origin well(answer_all(ok));
        Gate gate({going.address(), well.address()});
        Peer client = gate.client();
        for (int i = 0; i < 6; ++i) {
            client.send(get);
            ASSERT_THAT(client.read_until("\r\n\r\nhi"), StartsWith("HTTP/1.1 200")) << "request " << i;
        }
        EXPECT_GE(going.connections(), 1);
        EXPECT_GE(gate.server().report().backends[0].failed, 1U) << "it is its doing";
    }
}

TEST_F(NextServer, AsksEachServerOnceAndNotForWhatMustNotBeSentTwice) {
    const auto silent = [](Peer& peer) { peer.read_until("\r\n\r\n"); };
    Origin first(silent);
    Origin second(silent);
    Gate gate({first.address(), second.address()});
    EXPECT_THAT(gate.ask(get_close), StartsWith("HTTP/1.1 502")) << "and not the page";
    EXPECT_EQ(first.connections() + second.connections(), 2);
    EXPECT_THAT(gate.ask("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
                StartsWith("HTTP/1.1 502"));
    EXPECT_EQ(first.connections() + second.connections(), 3);
    EXPECT_THAT(gate.ask("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi"),
                StartsWith("HTTP/1.1 502"))
        << "its body has gone";
    EXPECT_EQ(first.connections() + second.connections(), 4);
}

// A frozen server takes connections and sends nothing. Two servers at most make a page that takes too long.
TEST_F(NextServer, AsksOneOtherServerWhereOneIsSilentForItsWholeTime) {
    const auto frozen = [](Peer& peer) { peer.read_all(); };
    const auto quick = [](Snapshot& snapshot) { snapshot.timeouts.backend = Milliseconds(100); };
    Origin first(frozen);
    Origin second(frozen);
    Origin third(frozen);
    Origin well(answer_all(ok));
    {
        Gate gate({first.address(), well.address()}, Mode::http, quick);
        for (int i = 0; i < 2; ++i) {
            EXPECT_THAT(gate.ask(get_close), StartsWith("HTTP/1.1 200")) << "request " << i;
        }
        EXPECT_EQ(first.connections(), 1);
        EXPECT_EQ(gate.server().report().backends[0].failed, 1U);
    }
    Gate gate({first.address(), second.address(), third.address()}, Mode::http, quick);
    EXPECT_THAT(gate.ask(get_close), StartsWith("HTTP/1.1 504"));
    EXPECT_EQ(first.connections() + second.connections() + third.connections(), 3);
    EXPECT_THAT(gate.ask("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
                StartsWith("HTTP/1.1 504"));
    EXPECT_EQ(first.connections() + second.connections() + third.connections(), 4);
}

TEST_F(NextServer, ARequestOnWhichTwoServersAreSilentIsNeithersFailure) {
    const auto frozen = [](Peer& peer) { peer.read_all(); };
    Origin first(frozen);
    Origin second(frozen);
    Gate gate({first.address(), second.address()}, Mode::http,
              [](Snapshot& snapshot) { snapshot.timeouts.backend = Milliseconds(50); });
    EXPECT_THAT(gate.ask(get_close), StartsWith("HTTP/1.1 504"));
    EXPECT_EQ(gate.server().report().backends[0].failed + gate.server().report().backends[1].failed, 0U);
    Gate alone({first.address()}, Mode::http, [](Snapshot& snapshot) { snapshot.timeouts.backend = Milliseconds(50); });
    EXPECT_THAT(alone.ask(get_close), StartsWith("HTTP/1.1 504"));
    EXPECT_EQ(alone.server().report().backends[0].failed, 1U) << "no other server could show that the page is slow";
}

}  // namespace
}  // namespace core::proxy::testing
