// Sessions by source: the counter alone, and through a real worker.
#include "core/proxy/upstream/sources.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/core/proxy/gate.hpp"

namespace core::proxy::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

Address client(std::string_view host) {
    return *Address::parse_host(host, 1234);
}

TEST(Sources, GiveEachSourceAsManyPlacesAsTheLimitSays) {
    Sources sources;
    const auto first = sources.enter(client("192.0.2.1"), 2);
    auto second = sources.enter(client("192.0.2.1"), 2);
    EXPECT_TRUE(first.taken() && second.taken());
    EXPECT_FALSE(sources.enter(client("192.0.2.1"), 2).taken());
    EXPECT_TRUE(sources.enter(client("192.0.2.2"), 2).taken());
    EXPECT_TRUE(sources.enter(client("192.0.2.1"), 3).taken()) << "a reload has raised it";
    second = Sources::Place();
    EXPECT_TRUE(sources.enter(client("192.0.2.1"), 2).taken()) << "one of the two has ended";
}

TEST(Sources, CountAnIpv6AddressWithItsNeighbours) {
    Sources sources;
    const auto first = sources.enter(client("2001:db8:0:1::1"), 1);
    EXPECT_FALSE(sources.enter(client("2001:db8:0:1:ffff::9"), 1).taken());
    EXPECT_TRUE(sources.enter(client("2001:db8:0:2::1"), 1).taken());
    const auto v4 = sources.enter(client("1.2.3.4"), 1);
    EXPECT_TRUE(sources.enter(client("102:304::"), 1).taken()) << "the same bytes, another family";
}

class SourceLimit : public RingTest {};

TEST_F(SourceLimit, ResetsAndCountsASessionTooMany) {
    Origin origin(answer_all(ok));
    Gate gate(
        {origin.address()}, Mode::http, [](Snapshot& s) { s.limits.sessions_per_source = 2; }, 2);
    {
        Peer first = gate.client();
        Peer second = gate.client();
        for (Peer* const peer : {&first, &second}) {
            peer->send(get);
            EXPECT_THAT(peer->read_until("hi"), StartsWith("HTTP/1.1 200"));
        }
        for (int i = 0; i < 5; ++i) {
            EXPECT_EQ(gate.client().read_all(), "<reset>");
        }
        first.send(get);
        EXPECT_THAT(first.read_until("hi"), StartsWith("HTTP/1.1 200")) << "an open session stays open";
    }
    EXPECT_TRUE(eventually([&] { return gate.ask(get_close).starts_with("HTTP/1.1 200"); }))
        << "the worker never saw that the two have gone";
    EXPECT_GE(gate.server().report().listeners[0].refused, 5U);
    gate.end_log();
    EXPECT_THAT(gate.log(), HasSubstr("its source has as many sessions as it may"));
}

TEST_F(SourceLimit, LeavesOutTrustedPeers) {
    Origin origin(answer_all(ok));
    Gate gate({origin.address()}, Mode::http, [](Snapshot& s) {
        s.limits.sessions_per_source = 1;
        s.listeners[0].trusted = {*Network::parse("127.0.0.0/8")};
    });
    Peer first = gate.client();
    Peer second = gate.client();
    for (Peer* const peer : {&first, &second}) {
        peer->send(get);
        EXPECT_THAT(peer->read_until("hi"), StartsWith("HTTP/1.1 200"));
    }
}

TEST_F(SourceLimit, CountsTheClientThatAPROXYHeaderNames) {
    Origin origin(answer_all(ok));
    Gate gate({origin.address()}, Mode::http, [](Snapshot& s) {
        s.limits.sessions_per_source = 1;
        s.listeners[0].trusted = {*Network::parse("127.0.0.0/8")};
        s.listeners[0].proxy_protocol = true;
    });
    const std::string one = "PROXY TCP4 192.0.2.1 192.0.2.9 1000 80\r\n";
    const std::string other = "PROXY TCP4 192.0.2.2 192.0.2.9 1000 80\r\n";
    Peer first = gate.client();
    first.send(one + get);
    EXPECT_THAT(first.read_until("hi"), StartsWith("HTTP/1.1 200"));
    Peer again = gate.client();
    again.send(one + get);
    EXPECT_EQ(again.read_all(), "<reset>");
    Peer another = gate.client();
    another.send(other + get);
    EXPECT_THAT(another.read_until("hi"), StartsWith("HTTP/1.1 200"));
}

TEST_F(SourceLimit, HoldsForTcpToo) {
    Origin origin([](Peer& peer) {
        peer.send("hello");
        peer.read_all();
    });
    Gate gate({origin.address()}, Mode::tcp, [](Snapshot& s) { s.limits.sessions_per_source = 1; });
    Peer first = gate.client();
    EXPECT_EQ(first.read_until("hello"), "hello");
    EXPECT_EQ(gate.client().read_all(), "<reset>");
}

}  // namespace
}  // namespace core::proxy::testing
