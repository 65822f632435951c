// Which backend connections are kept, and which are reused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>
#include <memory>
#include <semaphore>

#include "tests/core/proxy/gate.hpp"

namespace core::proxy::testing {
namespace {

using ::testing::EndsWith;
using ::testing::StartsWith;

using Reuse = RingTest;

// More at once than any fixed store of idle connections is likely to hold. Each is a thread of the origin, and threads
// start slowly under a sanitizer.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int crowd = 40;
#else
constexpr int crowd = 530;
#endif

TEST_F(Reuse, KeepsAsManyConnectionsAsABurstNeeded) {
    auto all_here = std::make_shared<std::latch>(crowd);
    Origin origin([all_here](Peer& peer) {
        for (bool first = true; !peer.read_until("\r\n\r\n").empty(); first = false) {
            if (first) {
                all_here->arrive_and_wait();
            }
            peer.send(ok);
        }
    });
    Gate gate({origin.address()});
    std::vector<std::unique_ptr<Peer>> clients;
    for (int i = 0; i < crowd; ++i) {
        clients.push_back(std::make_unique<Peer>(tests::connect_to(gate.address())));
    }
    for (int round = 0; round < 3; ++round) {
        for (const auto& client : clients) {
            client->send(get);
        }
        for (const auto& client : clients) {
            ASSERT_THAT(client->read_until("\r\n\r\nhi"), EndsWith("hi"));
        }
        EXPECT_EQ(origin.connections(), crowd) << "in round " << round;
    }
}

TEST_F(Reuse, AServerThatSpeaksUnaskedIsNotTakenAtItsWord) {
    std::counting_semaphore<2> answered{0};
    std::binary_semaphore spoken{0};
    Origin origin([&](Peer& peer) {
        if (peer.read_until("\r\n\r\n").empty()) {
            return;
        }
        peer.send(ok);
        if (answered.try_acquire_for(std::chrono::seconds(5))) {
            peer.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison");
            spoken.release();
            peer.read_all();
        }
    });
    Gate gate({origin.address()});
    Peer client = gate.client();
    client.send(get);
    ASSERT_THAT(client.read_until("\r\n\r\nhi"), EndsWith("hi"));
    answered.release();
    ASSERT_TRUE(spoken.try_acquire_for(std::chrono::seconds(5)));
    client.send(get);
    EXPECT_THAT(client.read_until("\r\n\r\nhi"), EndsWith("\r\n\r\nhi"));
    EXPECT_EQ(origin.connections(), 2);
    answered.release();
}

TEST_F(Reuse, AConnectionThatTheServerHasEndedIsNotUsedEvenForWhatMustNotBeSentTwice) {
    std::counting_semaphore<20> ended{0};
    Origin origin([&](Peer& peer) {
        peer.read_until("\r\n\r\n");
        peer.send(ok);
        peer.end();
        ended.release();
    });
    Gate gate({origin.address()});
    Peer client = gate.client();
    const std::string post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";
    for (int i = 0; i < 20; ++i) {
        client.send(post);
        ASSERT_THAT(client.read_until("\r\n\r\nhi"), StartsWith("HTTP/1.1 200")) << "request " << i;
        ASSERT_TRUE(ended.try_acquire_for(std::chrono::seconds(5)));
    }
    EXPECT_EQ(origin.connections(), 20);
}

}  // namespace
}  // namespace core::proxy::testing
