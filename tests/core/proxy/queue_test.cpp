// Limits of servers and their queue: which requests wait, in which order, for how long, and what refused ones get.
// Servers here answer on the test's order, so that "busy" is a state and not a moment.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>

#include "tests/core/proxy/gate.hpp"

namespace core::proxy::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

using Queues = RingTest;

// A backend that holds each request until release(), and counts how many it held at once.
class Slow {
public:
    Slow()
        : origin_([this](Peer& peer) {
              for (std::string head = peer.read_until("\r\n\r\n"); !head.empty(); head = peer.read_until("\r\n\r\n")) {
                  hold(head.substr(4, head.find(' ', 4) - 4));
                  peer.send(ok);
              }
          }) {}
    ~Slow() { release(1'000'000); }

    // Releases so many requests, held or still to come.
    void release(int count) {
        const std::lock_guard lock(mutex_);
        allowed_ += count;
        changed_.notify_all();
    }
    // Waits until so many requests have come in total.
    bool arrived(std::size_t count) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return targets_.size() >= count; });
    }
    [[nodiscard]] int most() const { return most_; }
    [[nodiscard]] std::vector<std::string> targets() const {
        const std::lock_guard lock(mutex_);
        return targets_;
    }
    [[nodiscard]] const Address& address() const { return origin_.address(); }

private:
    void hold(std::string target) {
        std::unique_lock lock(mutex_);
        targets_.push_back(std::move(target));
        most_ = std::max(most_.load(), ++held_);
        changed_.notify_all();
        changed_.wait(lock, [this] { return allowed_ > 0; });
        --allowed_;
        --held_;
    }

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::string> targets_;
    int held_ = 0;
    int allowed_ = 0;
    std::atomic<int> most_{0};
    Origin origin_;
};

std::function<void(Snapshot&)> limited(std::uint32_t limit, std::uint32_t queue,
                                       Milliseconds timeout = Milliseconds(20'000)) {
    return [=](Snapshot& snapshot) {
        for (BackendSpec& backend : snapshot.pools[0].backends) {
            backend.max_connections = limit;
        }
        snapshot.pools[0].queue = queue;
        snapshot.pools[0].queue_timeout = timeout;
    };
}

std::string request(const std::string& target) {
    return "GET " + target + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
}

TEST_F(Queues, NeverSendAServerMoreThanItsLimitFromAllWorkersTogether) {
    constexpr int clients = 24;
    Slow slow;
    Gate gate({slow.address()}, Mode::http, limited(3, 1000), 2);
    std::vector<std::unique_ptr<Peer>> peers;
    for (int i = 0; i < clients; ++i) {
        peers.push_back(std::make_unique<Peer>(tests::connect_to(gate.address())));
        peers.back()->send(request("/"));
    }
    ASSERT_TRUE(slow.arrived(3));
    ASSERT_TRUE(gate.waiting(clients - 3));
    EXPECT_EQ(slow.targets().size(), 3U);
    slow.release(clients);
    for (const auto& peer : peers) {
        EXPECT_THAT(peer->read_all(), StartsWith("HTTP/1.1 200"));
    }
    EXPECT_EQ(slow.most(), 3);
    const QueueReport queue = gate.server().report().queues.at(0);
    EXPECT_EQ(queue.waiting, 0U);
    EXPECT_EQ(queue.waited, static_cast<std::uint64_t>(clients - 3));
    EXPECT_EQ(queue.overflow + queue.expired, 0U);
}

TEST_F(Queues, ServeInTheOrderOfArrival) {
    Slow slow;
    Gate gate({slow.address()}, Mode::http, limited(1, 10), 2);
    std::vector<std::unique_ptr<Peer>> peers;
    for (int i = 0; i < 6; ++i) {
        peers.push_back(std::make_unique<Peer>(tests::connect_to(gate.address())));
        peers.back()->send(request("/" + std::to_string(i)));
        ASSERT_TRUE(i == 0 ? slow.arrived(1) : gate.waiting(static_cast<std::uint64_t>(i)));
    }
    slow.release(6);
    for (const auto& peer : peers) {
        EXPECT_THAT(peer->read_all(), StartsWith("HTTP/1.1 200"));
    }
    EXPECT_THAT(slow.targets(), ::testing::ElementsAre("/0", "/1", "/2", "/3", "/4", "/5"));
}

TEST_F(Queues, RefuseAtOnceWhenFullAndNotWithTheMaintenancePage) {
    Slow slow;
    Gate gate({slow.address()}, Mode::http, limited(1, 1));
    Peer first = gate.client();
    first.send(request("/1"));
    ASSERT_TRUE(slow.arrived(1));
    Peer second = gate.client();
    second.send(request("/2"));
    ASSERT_TRUE(gate.waiting(1));
    const std::string third = gate.ask(request("/3"));
    EXPECT_THAT(third, StartsWith("HTTP/1.1 503 "));
    EXPECT_THAT(third, HasSubstr("every server is at its limit and the queue is full"));
    EXPECT_THAT(third, Not(HasSubstr("We will be right back")));
    slow.release(2);
    EXPECT_THAT(first.read_all(), StartsWith("HTTP/1.1 200"));
    EXPECT_THAT(second.read_all(), StartsWith("HTTP/1.1 200"));
    EXPECT_EQ(gate.server().report().queues.at(0).overflow, 1U);
    EXPECT_THAT(slow.targets(), ::testing::ElementsAre("/1", "/2"));
}

TEST_F(Queues, OfLengthZeroLetNoRequestWait) {
    Slow slow;
    Gate gate({slow.address()}, Mode::http, limited(1, 0));
    Peer first = gate.client();
    first.send(request("/1"));
    ASSERT_TRUE(slow.arrived(1));
    EXPECT_THAT(gate.ask(request("/2")), HasSubstr("the queue is full"));
    slow.release(1);
    EXPECT_THAT(first.read_all(), StartsWith("HTTP/1.1 200"));
}

TEST_F(Queues, RefuseARequestThatWaitsForTooLong) {
    Slow slow;
    Gate gate({slow.address()}, Mode::http, limited(1, 10, Milliseconds(50)));
    Peer first = gate.client();
    first.send(request("/1"));
    ASSERT_TRUE(slow.arrived(1));
    EXPECT_THAT(gate.ask(request("/2")),
                HasSubstr("every server stayed at its limit for as long as a request may wait"));
    EXPECT_EQ(gate.server().report().queues.at(0).expired, 1U);
    slow.release(2);
    EXPECT_THAT(first.read_all(), StartsWith("HTTP/1.1 200"));
    EXPECT_THAT(gate.ask(request("/3")), StartsWith("HTTP/1.1 200")) << "the queue works on";
}

TEST_F(Queues, ShowThePageToWaitingVisitorsWhenTheLastServerIsFenced) {
    Slow slow;
    Gate gate({slow.address()}, Mode::http, limited(1, 10));
    Peer first = gate.client();
    first.send(request("/1"));
    ASSERT_TRUE(slow.arrived(1));
    Peer second = gate.client();
    Peer third = gate.client();
    second.send(request("/2"));
    third.send(request("/3"));
    ASSERT_TRUE(gate.waiting(2));
    gate.fence({"web1"});
    EXPECT_THAT(second.read_all(), HasSubstr("We will be right back"));
    EXPECT_THAT(third.read_all(), HasSubstr("We will be right back"));
    slow.release(1);
    EXPECT_THAT(first.read_all(), StartsWith("HTTP/1.1 200"));
}

TEST_F(Queues, MoveOnWhenAnotherServerBecomesWell) {
    Slow slow;
    Origin other(answer_all(ok));
    Gate gate({slow.address(), other.address()}, Mode::http, limited(1, 10));
    gate.server().set_health("app", "web2", other.address(), false);
    Peer first = gate.client();
    first.send(request("/1"));
    ASSERT_TRUE(slow.arrived(1));
    std::vector<std::unique_ptr<Peer>> peers;
    for (int i = 0; i < 4; ++i) {
        peers.push_back(std::make_unique<Peer>(tests::connect_to(gate.address())));
        peers.back()->send(request("/more"));
    }
    ASSERT_TRUE(gate.waiting(4));
    gate.server().set_health("app", "web2", other.address(), true);
    for (const auto& peer : peers) {
        EXPECT_THAT(peer->read_all(), StartsWith("HTTP/1.1 200"));
    }
    slow.release(1);
    EXPECT_THAT(first.read_all(), StartsWith("HTTP/1.1 200"));
}

TEST_F(Queues, MoveOnWhenAReloadRaisesTheLimitAndForgetNothingThatIsInFlight) {
    Slow slow;
    Gate gate({slow.address()}, Mode::http, limited(1, 10), 2);
    std::vector<std::unique_ptr<Peer>> peers;
    for (int i = 0; i < 4; ++i) {
        peers.push_back(std::make_unique<Peer>(tests::connect_to(gate.address())));
        peers.back()->send(request("/"));
        ASSERT_TRUE(slow.arrived(1));
    }
    ASSERT_TRUE(gate.waiting(3));
    gate.reload({slow.address()}, limited(3, 10));
    ASSERT_TRUE(slow.arrived(3));
    ASSERT_TRUE(gate.waiting(1));
    EXPECT_EQ(slow.most(), 3);
    slow.release(4);
    for (const auto& peer : peers) {
        EXPECT_THAT(peer->read_all(), StartsWith("HTTP/1.1 200"));
    }
    EXPECT_EQ(slow.most(), 3);
}

TEST_F(Queues, LetAStopEndWaitingRequests) {
    Slow slow;
    Gate gate({slow.address()}, Mode::http, limited(1, 10));
    Peer first = gate.client();
    first.send(request("/1"));
    ASSERT_TRUE(slow.arrived(1));
    Peer second = gate.client();
    second.send(request("/2"));
    ASSERT_TRUE(gate.waiting(1));
    gate.server().drain(Milliseconds(0));
    EXPECT_EQ(second.read_all(), "<reset>");
}

TEST_F(Queues, HoldTcpRelaysToo) {
    Slow slow;
    Gate gate({slow.address()}, Mode::tcp, limited(1, 1));
    Peer first = gate.client();
    first.send(request("/1"));
    ASSERT_TRUE(slow.arrived(1));
    Peer second = gate.client();
    second.send(request("/2"));
    ASSERT_TRUE(gate.waiting(1));
    Peer third = gate.client();
    EXPECT_EQ(third.read_all(), "<reset>") << "the queue is full";
    slow.release(2);
    first.end();
    EXPECT_THAT(first.read_all(), StartsWith("HTTP/1.1 200"));
    second.end();
    EXPECT_THAT(second.read_all(), StartsWith("HTTP/1.1 200"));
}

TEST_F(Queues, GiveBackWhatAServerThatRefusesConnectionsHadTaken) {
    Gate gate({nobody()}, Mode::http, limited(1, 10));
    for (int i = 0; i < 3; ++i) {
        EXPECT_THAT(gate.ask(request("/")), HasSubstr("We will be right back"));
    }
    EXPECT_EQ(gate.server().report().queues.at(0).waited, 0U);
}

TEST_F(Queues, TakeABackupRatherThanLetARequestWait) {
    Slow slow;
    Origin backup(answer_all(ok));
    Gate gate({slow.address(), backup.address()}, Mode::http, [](Snapshot& snapshot) {
        limited(1, 10)(snapshot);
        snapshot.pools[0].backends[1].backup = true;
    });
    Peer first = gate.client();
    first.send(request("/1"));
    ASSERT_TRUE(slow.arrived(1));
    EXPECT_THAT(gate.ask(request("/2")), StartsWith("HTTP/1.1 200"));
    EXPECT_EQ(backup.connections(), 1);
    slow.release(1);
    EXPECT_THAT(first.read_all(), StartsWith("HTTP/1.1 200"));
}

}  // namespace
}  // namespace core::proxy::testing
