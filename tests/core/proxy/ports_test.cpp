// Ports towards servers: however a connection to a server ends, we keep no port in TIME_WAIT.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <mutex>
#include <semaphore>
#include <set>
#include <sstream>

#include "tests/core/proxy/gate.hpp"

namespace core::proxy::testing {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

using Ports = RingTest;

constexpr std::chrono::seconds soon{20};
constexpr int visits = 10;

// Connections to a port that this machine, as the client, keeps in TIME_WAIT; earlier ones are left out.
class TimeWaits {
public:
    [[nodiscard]] int towards(const Address& address) const {
        const std::string remote = fmt::format(":{:04X}", address.port());
        int count = 0;
        for (const std::string& each : read()) {
            count += each.ends_with(remote) && !before_.contains(each) ? 1 : 0;
        }
        return count;
    }

private:
    // "local remote" of each, in hexadecimal.
    static std::set<std::string> read() {
        std::ifstream table("/proc/net/tcp");
        std::set<std::string> found;
        for (std::string line; std::getline(table, line);) {
            std::istringstream columns(line);
            std::string number;
            std::string local;
            std::string remote;
            std::string state;
            columns >> number >> local >> remote >> state;
            if (state == "06") {
                found.insert(local + " " + remote);
            }
        }
        return found;
    }

    std::set<std::string> before_ = read();
};

// Answers every request. Closes with FIN, but only after the client, so that the client's close would leave TIME_WAIT.
struct Patient {
    explicit Patient(std::string answer) : answer_(std::move(answer)) {}
    [[nodiscard]] bool all_ended(int count) {
        for (int i = 0; i < count; ++i) {
            if (!ended_.try_acquire_for(soon)) {
                return false;
            }
        }
        return true;
    }

private:
    std::string answer_;
    std::counting_semaphore<1000> ended_{0};

public:
    Origin origin{[this](Peer& peer) {
        while (!peer.read_until("\r\n\r\n").empty()) {
            peer.send(answer_);
        }
        ::shutdown(peer.fd(), SHUT_RDWR);
        ended_.release();
    }};
};

void visit(Gate& gate) {
    for (int i = 0; i < visits; ++i) {
        EXPECT_THAT(gate.ask(get_close), StartsWith("HTTP/1.1 200"));
    }
}

void expect_none_after_visits(const std::string& answer, const std::function<void(Snapshot&)>& change) {
    const TimeWaits waits;
    Patient server(answer);
    Gate gate({server.origin.address()}, Mode::http, change);
    visit(gate);
    EXPECT_TRUE(server.all_ended(visits));
    EXPECT_EQ(waits.towards(server.origin.address()), 0);
}

TEST_F(Ports, AServerThatWantsThePROXYHeaderCostsNone) {
    expect_none_after_visits(ok,
                             [](Snapshot& snapshot) { snapshot.pools.front().proxy_protocol = net::ProxyVersion::v1; });
}

TEST_F(Ports, AServerThatAsksUsToCloseCostsNone) {
    expect_none_after_visits("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi", [](Snapshot&) {});
}

TEST_F(Ports, AnAnswerOfHTTP10CostsNone) {
    expect_none_after_visits("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", [](Snapshot&) {});
}

TEST_F(Ports, AnAnswerThatWeRefuseCostsNone) {
    const TimeWaits waits;
    Patient server("HTTP/1.1 OK\r\n\r\n");
    Gate gate({server.origin.address()});
    EXPECT_THAT(gate.ask(get_close), StartsWith("HTTP/1.1 502"));
    EXPECT_TRUE(server.all_ended(1));
    EXPECT_EQ(waits.towards(server.origin.address()), 0);
}

TEST_F(Ports, AnAnswerThatDoesNotComeInTimeCostsNone) {
    const TimeWaits waits;
    Patient server("");
    Gate gate({server.origin.address()}, Mode::http,
              [](Snapshot& snapshot) { snapshot.timeouts.backend = Milliseconds(50); });
    EXPECT_THAT(gate.ask(get_close), StartsWith("HTTP/1.1 504"));
    EXPECT_TRUE(server.all_ended(1));
    EXPECT_EQ(waits.towards(server.origin.address()), 0);
}

// However kept connections end: by an operator's fence, by a reload, at the end.
TEST_F(Ports, KeptConnectionsThatAreLetGoCostNone) {
    const TimeWaits waits;
    Patient fenced(ok);
    Patient removed(ok);
    Patient last(ok);
    {
        Gate gate({fenced.origin.address()});
        visit(gate);
        gate.fence({"web1"});
        EXPECT_TRUE(fenced.all_ended(1));
        gate.fence({});
        gate.reload({removed.origin.address()});
        visit(gate);
        gate.reload({last.origin.address()});
        visit(gate);
    }
    EXPECT_TRUE(removed.all_ended(1) && last.all_ended(1));
    for (const Patient* server : {&fenced, &removed, &last}) {
        EXPECT_EQ(waits.towards(server->origin.address()), 0);
    }
}

TEST_F(Ports, ARelayThatItsServerEndsCostsNone) {
    const TimeWaits waits;
    std::counting_semaphore<100> ended{0};
    Origin origin([&](Peer& peer) {
        peer.send("bye");
        peer.end();
        peer.read_all();
        ended.release();
    });
    Gate gate({origin.address()}, Mode::tcp);
    for (int i = 0; i < visits; ++i) {
        Peer client = gate.client();
        EXPECT_EQ(client.read_all(), "bye");
        client.end();
        EXPECT_TRUE(ended.try_acquire_for(soon));
    }
    EXPECT_EQ(waits.towards(origin.address()), 0);
}

// The answer is complete, but the request has not reached the server yet: the rest of it is not cut off.
TEST_F(Ports, ARequestThatIsStillOnItsWayArrivesWhole) {
    const std::string body(500'000, 'b');
    std::string received;
    std::counting_semaphore<1> answer{0};
    std::counting_semaphore<1> read_on{0};
    std::counting_semaphore<1> ended{0};
    Origin origin([&](Peer& peer) {
        EXPECT_TRUE(answer.try_acquire_for(soon));
        peer.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi");
        EXPECT_TRUE(read_on.try_acquire_for(soon));
        received = peer.read_all();
        ended.release();
    });
    Gate gate({origin.address()});
    Peer client = gate.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 500000\r\n\r\n" + body);
    const auto moved = [&] { return gate.server().report().moved; };
    const auto deadline = std::chrono::steady_clock::now() + soon;
    while (moved().copied + moved().spliced < body.size() && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    answer.release();
    EXPECT_THAT(client.read_all(), StartsWith("HTTP/1.1 200"));
    read_on.release();
    ASSERT_TRUE(ended.try_acquire_for(soon));
    EXPECT_THAT(received, EndsWith("\r\n\r\n" + body));
}

// Two source addresses, and a new connection each time. They take turns. An address that this machine does not have is
// skipped, and the server is not blamed.
TEST_F(Ports, ConnectionsLeaveFromThePoolsAddressesInTurn) {
    std::mutex mutex;
    std::map<std::string, int> seen;
    Origin origin([&](Peer& peer) {
        {
            const std::lock_guard lock(mutex);
            ++seen[net::peer_of(peer.fd()).host()];
        }
        peer.read_until("\r\n\r\n");
        peer.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi");
        peer.read_all();
    });
    Gate gate({origin.address()}, Mode::http, [](Snapshot& snapshot) {
        snapshot.pools.front().sources = {*Address::parse("127.0.0.21:0"), *Address::parse("[::1]:0"),
                                          *Address::parse("203.0.113.1:0"), *Address::parse("127.0.0.22:0")};
    });
    visit(gate);
    EXPECT_EQ(gate.server().report().shortages, 0U);
    const std::lock_guard lock(mutex);
    EXPECT_EQ(seen.size(), 2U);
    EXPECT_EQ(seen["127.0.0.21"] + seen["127.0.0.22"], visits);
    EXPECT_GE(std::min(seen["127.0.0.21"], seen["127.0.0.22"]), visits / 3);
}

TEST_F(Ports, WhereNoSourceAddressCanBeHadNothingIsSaidAgainstTheServer) {
    Origin origin(answer_all(ok));
    Gate gate({origin.address()}, Mode::http, [](Snapshot& snapshot) {
        snapshot.pools.front().sources = {*Address::parse("203.0.113.1:0"), *Address::parse("203.0.113.2:0")};
        snapshot.pools.front().backends.front().passive_fall = 1;
    });
    EXPECT_THAT(gate.ask(get_close), AllOf(StartsWith("HTTP/1.1 503"), HasSubstr("short of ports")));
    EXPECT_EQ(gate.server().report().shortages, 1U);
    EXPECT_EQ(gate.server().report().backends[0].failed, 0U);
    EXPECT_EQ(origin.connections(), 0);
}

}  // namespace
}  // namespace core::proxy::testing
