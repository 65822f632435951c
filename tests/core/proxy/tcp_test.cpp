// TCP relays through a real worker.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "tests/core/proxy/gate.hpp"

namespace core::proxy::testing {
namespace {

using ::testing::StartsWith;

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

TEST_F(Relay, ResetsAtOnceWhenNoBackendIsLeft) {
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

// The keep-alive option of the proxy's two sockets of a relay, in this same process: the one towards server, and the
// one accepted on listener.
int kept_alive(const Address& server, const Address& listener) {
    const auto option = [](int fd, int level, int name) {
        int value = 0;
        socklen_t size = sizeof value;
        ::getsockopt(fd, level, name, &value, &size);
        return value;
    };
    int count = 0;
    for (int fd = 0; fd < 1024; ++fd) {
        const bool ours =
            net::peer_of(fd) == server || (net::local_of(fd) == listener && net::peer_of(fd) != Address());
        if (ours && option(fd, SOL_SOCKET, SO_KEEPALIVE) == 1) {
            EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 60);
            EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_KEEPINTVL), 10);
            EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_KEEPCNT), 3);
            ++count;
        }
    }
    return count;
}

TEST_F(Relay, BothSidesOfARelayAreAskedForSignsOfLife) {
    Origin origin([](Peer& peer) {
        peer.send("hello");
        peer.read_all();
    });
    Gate gate({origin.address()}, Mode::tcp);
    Peer client = gate.client();
    EXPECT_EQ(client.read_bytes(5), "hello");
    EXPECT_EQ(kept_alive(origin.address(), gate.address()), 2);
}

TEST_F(Relay, BothSidesOfAWebSocketAreAskedForSignsOfLifeAndAnExchangesAreNot) {
    Origin origin([](Peer& peer) {
        peer.read_until("\r\n\r\n");
        peer.send(ok);
        peer.read_until("\r\n\r\n");
        peer.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nfirst");
        peer.read_all();
    });
    Gate gate({origin.address()});
    Peer client = gate.client();
    client.send(get);
    EXPECT_THAT(client.read_until("\r\n\r\nhi"), StartsWith("HTTP/1.1 200"));
    EXPECT_EQ(kept_alive(origin.address(), gate.address()), 0);
    client.send("GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    EXPECT_THAT(client.read_until("\r\n\r\nfirst"), StartsWith("HTTP/1.1 101"));
    EXPECT_EQ(kept_alive(origin.address(), gate.address()), 2);
}

}  // namespace
}  // namespace core::proxy::testing
