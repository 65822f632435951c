// Visitors who leave while they wait: in a queue, on hold, for a slow server or for a silent one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/socket.h>

#include <future>
#include <memory>
#include <semaphore>

#include "tests/core/proxy/gate.hpp"

namespace core::proxy::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

using Leaving = RingTest;

constexpr std::chrono::seconds soon{20};

// A server that never answers. It reports when it has a request, and when that connection has ended.
struct Thinker {
    explicit Thinker(std::string begin = {}) : begin_(std::move(begin)) {}
    std::counting_semaphore<100> asked{0};
    std::counting_semaphore<100> ended{0};
    Origin origin{[this](Peer& peer) {
        peer.read_until("\r\n\r\n");
        peer.send(begin_);
        asked.release();
        peer.read_all();
        ended.release();
    }};

private:
    std::string begin_;
};

std::uint64_t active(Gate& gate) {
    return gate.server().report().backends[0].active;
}

bool idle_soon(Gate& gate) {
    const auto deadline = std::chrono::steady_clock::now() + soon;
    while (active(gate) != 0 && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return active(gate) == 0;
}

const auto one_at_a_time = [](Snapshot& snapshot) {
    snapshot.pools.front().backends.front().max_connections = 1;
    snapshot.pools.front().queue_timeout = Milliseconds(60'000);
};

TEST_F(Leaving, AResetEndsTheServersWorkAndIsNoFailureOfItsDoing) {
    Thinker server;
    Gate gate({server.origin.address()});
    {
        Peer client = gate.client();
        client.send(get);
        ASSERT_TRUE(server.asked.try_acquire_for(soon));
        client.reset();
    }
    EXPECT_TRUE(server.ended.try_acquire_for(soon));
    EXPECT_TRUE(idle_soon(gate));
    EXPECT_EQ(gate.server().report().backends[0].failed, 0U);
    gate.end_log();
    EXPECT_THAT(gate.log(), HasSubstr(R"("error":"the client went away")"));
    EXPECT_THAT(gate.log(), HasSubstr(R"("answered_by":"nobody")"));
}

TEST_F(Leaving, AResetEndsASilentStream) {
    Thinker server("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n");
    Gate gate({server.origin.address()});
    Peer client = gate.client();
    client.send(get);
    EXPECT_THAT(client.read_until("data: 1"), StartsWith("HTTP/1.1 200"));
    client.reset();
    EXPECT_TRUE(server.ended.try_acquire_for(soon));
    EXPECT_TRUE(idle_soon(gate));
    EXPECT_EQ(gate.server().report().backends[0].failed, 0U);
}

TEST_F(Leaving, AClientThatHasOnlyFinishedSendingIsServed) {
    std::promise<void> go;
    std::shared_future<void> may = go.get_future().share();
    Origin origin([may](Peer& peer) {
        peer.read_until("\r\n\r\n");
        may.wait();
        peer.send(ok);
    });
    Gate gate({origin.address()});
    Peer client = gate.client();
    client.send(get_close);
    client.end();
    std::this_thread::sleep_for(std::chrono::milliseconds(400));  // some looks at the client
    go.set_value();
    EXPECT_THAT(client.read_all(), StartsWith("HTTP/1.1 200"));
}

TEST_F(Leaving, WithAbortOnCloseAFinWhileTheServerThinksIsALeave) {
    Thinker server;
    Gate gate({server.origin.address()}, Mode::http,
              [](Snapshot& snapshot) { snapshot.pools.front().abort_on_close = true; });
    Peer client = gate.client();
    client.send(get_close);
    ASSERT_TRUE(server.asked.try_acquire_for(soon));
    client.end();
    EXPECT_TRUE(server.ended.try_acquire_for(soon));
    EXPECT_EQ(client.read_all(), "");
    EXPECT_TRUE(idle_soon(gate));
    EXPECT_EQ(gate.server().report().backends[0].failed, 0U);
    gate.end_log();
    EXPECT_THAT(gate.log(), HasSubstr(R"("error":"the client went away")"));
}

// The answer has begun, so a client that still reads can use it.
TEST_F(Leaving, WithAbortOnCloseAFinInTheMiddleOfTheAnswerIsNone) {
    std::promise<void> go;
    std::shared_future<void> may = go.get_future().share();
    Origin origin([may](Peer& peer) {
        peer.read_until("\r\n\r\n");
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab");
        may.wait();
        peer.send("cd");
        peer.read_all();
    });
    Gate gate({origin.address()}, Mode::http, [](Snapshot& snapshot) { snapshot.pools.front().abort_on_close = true; });
    Peer client = gate.client();
    client.send(get_close);
    EXPECT_THAT(client.read_until("ab"), StartsWith("HTTP/1.1 200"));
    client.end();
    std::this_thread::sleep_for(std::chrono::milliseconds(400));  // some looks at the client
    go.set_value();
    EXPECT_EQ(client.read_all(), "cd");
}

TEST_F(Leaving, AResetOrAFinInAQueueReachesNoServer) {
    std::counting_semaphore<100> asked{0};
    std::counting_semaphore<100> go{0};
    Origin origin([&](Peer& peer) {
        while (!peer.read_until("\r\n\r\n").empty()) {
            asked.release();
            EXPECT_TRUE(go.try_acquire_for(soon));
            peer.send(ok);
        }
    });
    Gate gate({origin.address()}, Mode::http, one_at_a_time);
    Peer first = gate.client();
    first.send(get);
    ASSERT_TRUE(asked.try_acquire_for(soon));
    Peer gone = gate.client();
    gone.send(get);
    Peer finished = gate.client();
    finished.send(get);
    Peer last = gate.client();
    last.send(get);
    ASSERT_TRUE(gate.waiting(3));
    gone.reset();
    finished.end();
    EXPECT_TRUE(gate.waiting(1));
    EXPECT_EQ(finished.read_all(), "");
    go.release(2);
    EXPECT_THAT(first.read_until("\r\n\r\nhi"), StartsWith("HTTP/1.1 200"));
    EXPECT_THAT(last.read_until("\r\n\r\nhi"), StartsWith("HTTP/1.1 200"));
    EXPECT_TRUE(asked.try_acquire_for(soon));
    EXPECT_FALSE(asked.try_acquire()) << "the server was asked for waiting visitors only";
}

TEST_F(Leaving, AVisitorThatLeavesWhileThePoolIsDarkIsNotAskedFor) {
    Origin origin(answer_all(ok));
    Gate gate({origin.address()}, Mode::http,
              [](Snapshot& snapshot) { snapshot.pools.front().hold = Milliseconds(60'000); });
    gate.fence({"web1"});
    Peer client = gate.client();
    client.send(get);
    ASSERT_TRUE(gate.waiting(1));
    client.reset();
    EXPECT_TRUE(gate.waiting(0));
    gate.fence({});
    EXPECT_EQ(origin.connections(), 0);
}

TEST_F(Leaving, AFenceWaitsForNoVisitorThatHasClosedATab) {
    Thinker server;
    Gate gate({server.origin.address()});
    Peer stays = gate.client();
    stays.send(get);
    ASSERT_TRUE(server.asked.try_acquire_for(soon));
    Peer closed = gate.client();
    closed.send(get);
    closed.end();
    ASSERT_TRUE(server.asked.try_acquire_for(soon));
    EXPECT_EQ(active(gate), 2U);
    gate.fence({"web1"});
    EXPECT_TRUE(server.ended.try_acquire_for(soon));
    EXPECT_EQ(active(gate), 1U) << "the fence waits for a client that still reads";
    EXPECT_FALSE(server.ended.try_acquire());
}

TEST_F(Leaving, ADrainWaitsForNoVisitorThatHasClosedATab) {
    Thinker server;
    Gate gate({server.origin.address()});
    Peer closed = gate.client();
    closed.send(get);
    closed.end();
    ASSERT_TRUE(server.asked.try_acquire_for(soon));
    const auto begun = std::chrono::steady_clock::now();
    gate.server().drain(Milliseconds(60'000));
    EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(50));
}

TEST_F(Leaving, TcpVisitorsLeaveAQueueToo) {
    std::counting_semaphore<100> connected{0};
    Origin origin([&](Peer& peer) {
        connected.release();
        peer.read_all();
    });
    Gate gate({origin.address()}, Mode::tcp, one_at_a_time);
    Peer first = gate.client();
    ASSERT_TRUE(connected.try_acquire_for(soon));
    Peer gone = gate.client();
    ASSERT_TRUE(gate.waiting(1));
    gone.reset();
    EXPECT_TRUE(gate.waiting(0));
    first.end();
    EXPECT_EQ(origin.connections(), 1);
}

TEST_F(Leaving, AnUpgradedConnectionGoesOnWithOneSideFinished) {
    Origin origin([](Peer& peer) {
        peer.read_until("\r\n\r\n");
        peer.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n");
        peer.read_until("bye");
        std::this_thread::sleep_for(std::chrono::milliseconds(400));
        peer.send("so long");
    });
    Gate gate({origin.address()});
    Peer client = gate.client();
    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n");
    ASSERT_THAT(client.read_until("\r\n\r\n"), StartsWith("HTTP/1.1 101"));
    client.send("bye");
    client.end();
    EXPECT_EQ(client.read_all(), "so long");
}

// A server of TCP, or of an upgraded connection, that takes nothing after its first bytes.
struct Deaf {
    explicit Deaf(Mode mode) {
        origin = std::make_unique<Origin>([this, mode](Peer& peer) {
            if (mode == Mode::http) {
                peer.read_until("\r\n\r\n");
                peer.send(upgraded);
            }
            asked.release();
            over.acquire();
        });
    }
    ~Deaf() { over.release(100); }
    static constexpr const char* upgraded =
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n";
    static constexpr const char* upgrade = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n";
    std::counting_semaphore<100> asked{0};
    std::counting_semaphore<100> over{0};
    std::unique_ptr<Origin> origin;
};

class LeavingARelay : public Leaving, public ::testing::WithParamInterface<Mode> {
protected:
    Deaf server_{GetParam()};
    Gate gate_{{server_.origin->address()}, GetParam(), [](Snapshot& s) { s.relay_drain = Milliseconds(60'000); }};

    void begin(const Peer& client) {
        if (GetParam() == Mode::http) {
            client.send(Deaf::upgrade);
        }
        ASSERT_TRUE(server_.asked.try_acquire_for(soon));
        ASSERT_EQ(active(gate_), 1U);
    }
};

TEST_P(LeavingARelay, ByAResetWhileTheServerTakesNothing) {
    Peer client = gate_.client();
    begin(client);
    const std::string much(1 << 20, 'x');
    ssize_t sent = 0;
    while (sent >= 0) {  // until both kernels are full
        sent = ::send(client.fd(), much.data(), much.size(), MSG_DONTWAIT);
        if (sent < 0) {
            std::this_thread::sleep_for(std::chrono::milliseconds(200));
            sent = ::send(client.fd(), much.data(), much.size(), MSG_DONTWAIT);
        }
    }
    EXPECT_EQ(active(gate_), 1U);
    client.reset();
    EXPECT_TRUE(idle_soon(gate_));
    gate_.end_log();
    EXPECT_THAT(gate_.log(), HasSubstr("the client went away"));
}

TEST_P(LeavingARelay, ByTheEndOfItsSendingIsWhatAFenceDoesNotWaitFor) {
    Peer client = gate_.client();
    begin(client);
    client.end();
    std::this_thread::sleep_for(std::chrono::milliseconds(600));
    EXPECT_EQ(active(gate_), 1U) << "it is served until a drain or a fence wants its end";
    gate_.fence({"web1"});
    EXPECT_TRUE(idle_soon(gate_));
}

TEST_P(LeavingARelay, ByTheEndOfItsSendingIsWhatADrainDoesNotWaitFor) {
    Peer client = gate_.client();
    begin(client);
    client.end();
    const auto begun = std::chrono::steady_clock::now();
    gate_.server().drain(Milliseconds(60'000));
    EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(50));
}

TEST_P(LeavingARelay, IsNotDoneByAClientThatStillReads) {
    Peer client = gate_.client();
    begin(client);
    gate_.fence({"web1"});
    std::this_thread::sleep_for(std::chrono::milliseconds(600));
    EXPECT_EQ(active(gate_), 1U);
}

INSTANTIATE_TEST_SUITE_P(Relays, LeavingARelay, ::testing::Values(Mode::tcp, Mode::http),
                         [](const auto& mode) { return mode.param == Mode::tcp ? "Tcp" : "Upgraded"; });

}  // namespace
}  // namespace core::proxy::testing
