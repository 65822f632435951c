// TCP relays through a real worker.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/core/proxy/gate.hpp"

namespace core::proxy::testing {
namespace {

using Relay = RingTest;

void echo(Peer& peer) {
    for (std::string bytes = peer.read_bytes(1); !bytes.empty(); bytes = peer.read_bytes(1)) {
        peer.send(bytes);
    }
}

TEST_F(Relay, MovesBytesBothWays) {
    Origin origin(echo);
    Gate gate({origin.address()}, Mode::tcp);
    Peer client = gate.client();
    client.send("hello");
    EXPECT_EQ(client.read_bytes(5), "hello");
}

TEST_F(Relay, HalfCloseLeavesTheOtherDirectionOpen) {
    Origin origin([](Peer& peer) {
        const std::string all = peer.read_all();
        peer.send("got " + all);
    });
    Gate gate({origin.address()}, Mode::tcp);
    Peer client = gate.client();
    client.send("everything");
    client.end();
    EXPECT_EQ(client.read_all(), "got everything");
}

TEST_F(Relay, MovesMegabytesUnaltered) {
    std::string bytes(4 << 20, 0);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        bytes[i] = static_cast<char>(i * 2654435761U >> 24);
    }
    Origin origin([&bytes](Peer& peer) {
        peer.send(bytes);
        peer.end();
        peer.read_all();
    });
    Gate gate({origin.address()}, Mode::tcp);
    Peer client = gate.client();
    EXPECT_TRUE(client.read_all() == bytes);
}

TEST_F(Relay, PassesOnAReset) {
    Origin origin([](Peer& peer) {
        peer.read_bytes(1);
        peer.reset();
    });
    Gate gate({origin.address()}, Mode::tcp);
    Peer client = gate.client();
    client.send("x");
    EXPECT_EQ(client.read_all(), "<reset>");
}

TEST_F(Relay, ResetsAtOnceWhenNobodyIsLeft) {
    Origin origin(echo);
    Gate gate({origin.address()}, Mode::tcp);
    gate.fence({"web1"});
    Peer client = gate.client();
    EXPECT_EQ(client.read_all(), "<reset>");
    EXPECT_EQ(origin.connections(), 0);
}

TEST_F(Relay, EndsAfterALongSilence) {
    Origin origin([](Peer& peer) { peer.read_all(); });
    Gate gate({origin.address()}, Mode::tcp, [](Snapshot& s) { s.timeouts.relay_idle = Milliseconds(50); });
    Peer client = gate.client();
    EXPECT_EQ(client.read_all(), "<reset>");
}

}  // namespace
}  // namespace core::proxy::testing
