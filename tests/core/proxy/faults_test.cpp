// Faults and their results: refusals, silence, broken answers, drains and reloads, through a real worker.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <semaphore>

#include "tests/core/proxy/gate.hpp"

namespace core::proxy::testing {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

using Faults = RingTest;

bool accepts(const Address& address) {
    const base::Descriptor socket(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_storage storage{};
    const socklen_t size = address.fill(storage);
    return ::connect(socket.get(), reinterpret_cast<sockaddr*>(&storage), size) == 0;
}

TEST_F(Faults, RefusesABadRequestAndClosesWithoutAskingABackend) {
    Origin origin(answer_all(ok));
    Gate gate({origin.address()});
    EXPECT_THAT(gate.ask("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
                StartsWith("HTTP/1.1 400"));
    EXPECT_THAT(gate.ask("GET / HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 400"));
    EXPECT_THAT(gate.ask("GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n"),
                StartsWith("HTTP/1.1 431"));
    EXPECT_EQ(origin.connections(), 0);
}

TEST_F(Faults, Answers408ToAHeadThatNeverEnds) {
    Origin origin(answer_all(ok));
    Gate gate({origin.address()}, Mode::http, [](Snapshot& s) { s.timeouts.head = Milliseconds(50); });
    EXPECT_THAT(gate.ask("GET / HTTP/1.1\r\nHo"), StartsWith("HTTP/1.1 408"));
}

TEST_F(Faults, ClosesASilentSessionWithoutAWord) {
    Gate gate({nobody()}, Mode::http, [](Snapshot& s) { s.timeouts.head = Milliseconds(50); });
    EXPECT_EQ(gate.ask(""), "");
}

// The client would take the 408 for the answer to its next request.
TEST_F(Faults, ClosesWithoutAWordWhereAClientSendsNothingButAnEmptyLineBehindItsBody) {
    Origin origin(answer_all(ok));
    Gate gate({origin.address()}, Mode::http, [](Snapshot& s) {
        s.timeouts.head = Milliseconds(50);
        s.timeouts.keep_alive = Milliseconds(50);
    });
    for (const char* lines : {"\r", "\r\n", "\r\n\r", "\r\n\r\n"}) {
        EXPECT_EQ(gate.ask(lines), "");
        const std::string post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab";
        EXPECT_THAT(gate.ask(post + lines), AllOf(StartsWith("HTTP/1.1 200"), Not(HasSubstr("408"))));
    }
    EXPECT_THAT(gate.ask("\r\n\r\nG"), StartsWith("HTTP/1.1 408"));
    EXPECT_THAT(gate.ask("\r\n\r\n\r\n"), StartsWith("HTTP/1.1 400"));
}

TEST_F(Faults, APoolMayBeMoreOrLessPatientThanTheOthers) {
    Origin origin([](Peer& peer) {
        peer.read_until("\r\n\r\n");
        std::this_thread::sleep_for(std::chrono::milliseconds(500));
        peer.send(ok);
    });
    for (const auto& [ours, all] : {std::pair(100, 60'000), std::pair(60'000, 100)}) {
        Gate gate({origin.address()}, Mode::http, [ours = ours, all = all](Snapshot& s) {
            s.timeouts.backend = Milliseconds(all);
            s.pools[0].backend_timeout = Milliseconds(ours);
        });
        EXPECT_THAT(gate.ask(get_close), StartsWith(ours < all ? "HTTP/1.1 504" : "HTTP/1.1 200")) << ours;
    }
}

TEST_F(Faults, Answers504WhenABackendStaysSilent) {
    Origin origin([](Peer& peer) { peer.read_all(); });
    Gate gate({origin.address()}, Mode::http, [](Snapshot& s) { s.timeouts.backend = Milliseconds(50); });
    EXPECT_THAT(gate.ask(get_close), StartsWith("HTTP/1.1 504"));
}

TEST_F(Faults, Answers502ToAnAnswerThatIsNotHttp) {
    std::string seen;
    Origin origin(answer_once(seen, "\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n"));
    Gate gate({origin.address()});
    EXPECT_THAT(gate.ask(get_close), StartsWith("HTTP/1.1 502"));
}

TEST_F(Faults, AShortageOfOurOwnIsNoServersFailureAndNoMaintenance) {
#if defined(__SANITIZE_ADDRESS__)
    GTEST_SKIP() << "a sanitized build: UBSan looks at objects through a pipe and needs descriptors of its own";
#endif
    Origin origin(answer_all(ok));
    Gate gate({origin.address()}, Mode::http,
              [](Snapshot& snapshot) { snapshot.pools.front().backends.front().passive_fall = 1; });
    Peer client = gate.client();
    while (gate.server().report().listeners[0].sessions == 0) {
    }
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    const rlimit none{0, before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
    std::string refused;
    for (int i = 0; i < 3; ++i) {
        client.send(get);
        refused = client.read_until("</p>\n");
    }
    ::setrlimit(RLIMIT_NOFILE, &before);
    EXPECT_THAT(refused, StartsWith("HTTP/1.1 503"));
    EXPECT_THAT(refused, HasSubstr("short of ports, descriptors or memory"));
    EXPECT_EQ(gate.server().report().shortages, 3U);
    EXPECT_EQ(gate.server().report().backends[0].failed, 0U);
    Peer another = gate.client();
    another.send(get);
    EXPECT_THAT(another.read_until("\r\n\r\nhi"), StartsWith("HTTP/1.1 200")) << "the server is not taken out";
}

TEST_F(Faults, ABodyThatBreaksOffEndsBehindItsLastByte) {
    std::string seen;
    Origin origin(answer_once(seen, "\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this"));
    Gate gate({origin.address()});
    EXPECT_THAT(gate.ask(get_close), EndsWith("\r\n\r\nonly this"));
}

TEST_F(Faults, NeverReusesABackendConnectionWithBytesBehindItsAnswer) {
    Origin origin(answer_all(ok + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"));
    Gate gate({origin.address()});
    Peer client = gate.client();
    for (int i = 0; i < 3; ++i) {
        client.send(get);
        const std::string response = client.read_until("\r\n\r\nhi");
        EXPECT_THAT(response, StartsWith("HTTP/1.1 200 OK\r\n"));
        EXPECT_THAT(response, Not(HasSubstr("evil")));
    }
    EXPECT_EQ(origin.connections(), 3);
}

TEST_F(Faults, DrainsIdleSessionsAtOnceAndBusyOnesAtTheirEnd) {
    std::promise<void> go;
    Origin origin([&go](Peer& peer) {
        peer.read_until("\r\n\r\n");
        go.get_future().wait();
        peer.send(ok);
        peer.read_all();
    });
    Gate gate({origin.address()});
    Peer busy = gate.client();
    busy.send(get);
    Peer idle = gate.client();
    while (gate.server().report().backends[0].active == 0 || gate.server().report().listeners[0].sessions < 2) {
    }
    std::thread draining([&] { gate.server().drain(Milliseconds(10'000)); });
    EXPECT_EQ(idle.read_all(), "");
    go.set_value();
    const std::string response = busy.read_all();
    EXPECT_THAT(response, HasSubstr("Connection: close\r\n"));
    EXPECT_TRUE(response.ends_with("\r\n\r\nhi"));
    draining.join();
}

TEST_F(Faults, ADrainThatLetsIdleSessionsStayAnswersTheirNextRequestAndCloses) {
    Origin origin(answer_all(ok));
    Gate gate({origin.address()});
    Peer waiting = gate.client();
    waiting.send(get);
    EXPECT_THAT(waiting.read_until("hi"), Not(HasSubstr("Connection: close")));
    std::thread draining([&] { gate.server().drain(Milliseconds(10'000), Worker::Idle::stay); });
    while (accepts(gate.address())) {
    }
    waiting.send(get);
    const std::string response = waiting.read_all();
    EXPECT_THAT(response, HasSubstr("Connection: close\r\n"));
    EXPECT_TRUE(response.ends_with("hi"));
    waiting.end();
    draining.join();
}

TEST_F(Faults, ADrainKeepsToAResponseThatHasSaidThatTheConnectionStays) {
    std::promise<void> go;
    Origin origin([&go](Peer& peer) {
        peer.read_until("\r\n\r\n");
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nh");
        go.get_future().wait();
        peer.send("i");
        peer.read_until("\r\n\r\n");
        peer.send(ok);
        peer.read_all();
    });
    Gate gate({origin.address()});
    Peer client = gate.client();
    client.send(get);
    EXPECT_THAT(client.read_until("\r\n\r\nh"), Not(HasSubstr("Connection: close")));
    std::thread draining([&] { gate.server().drain(Milliseconds(10'000), Worker::Idle::stay); });
    while (accepts(gate.address())) {
    }
    go.set_value();
    EXPECT_EQ(client.read_bytes(1), "i");
    client.send(get);
    const std::string response = client.read_all();
    EXPECT_THAT(response, HasSubstr("Connection: close\r\n"));
    EXPECT_TRUE(response.ends_with("hi"));
    client.end();
    draining.join();
}

TEST_F(Faults, EndsADrainAtItsDeadline) {
    Origin origin([](Peer& peer) { peer.read_all(); });
    Gate gate({origin.address()});
    Peer busy = gate.client();
    busy.send(get);
    while (gate.server().report().backends[0].active == 0) {
    }
    const CutReport cut = gate.server().drain(Milliseconds(50));
    EXPECT_EQ(cut.exchanges, 1U);
    EXPECT_EQ(cut.relays, 0U);
    busy.read_all();
}

TEST_F(Faults, CutsRelaysAtTheirOwnDeadlineAndLetsExchangesEnd) {
    std::promise<void> cut;
    Origin origin([&](Peer& peer) {
        if (peer.read_until("\r\n\r\n").find("Upgrade") != std::string::npos) {
            peer.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
            EXPECT_EQ(peer.read_all(), "<reset>");
            cut.set_value();
        } else {
            cut.get_future().wait();
            peer.send(ok);
            peer.read_all();
        }
    });
    Gate gate({origin.address()}, Mode::http, [](Snapshot& snapshot) { snapshot.relay_drain = Milliseconds(100); });
    Peer relayed = gate.client();
    relayed.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
    EXPECT_THAT(relayed.read_until("\r\n\r\n"), StartsWith("HTTP/1.1 101"));
    Peer asking = gate.client();
    asking.send(get);
    while (gate.server().report().backends[0].active < 2) {
    }
    const CutReport report = gate.server().drain(Milliseconds(10'000));
    EXPECT_EQ(report.relays, 1U);
    EXPECT_EQ(report.exchanges, 0U);
    EXPECT_TRUE(asking.read_all().ends_with("\r\n\r\nhi"));
    EXPECT_EQ(relayed.read_all(), "<reset>");
    gate.end_log();
    EXPECT_THAT(gate.log(), HasSubstr(Session::cut_reason));
}

TEST_F(Faults, SwapsTheConfigurationUnderAnOpenSession) {
    Origin one(answer_all(ok));
    Origin two(answer_all("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntwo"));
    Gate gate({one.address()});
    Peer client = gate.client();
    client.send(get);
    client.read_until("hi");
    gate.reload({two.address()});
    client.send(get);
    EXPECT_THAT(client.read_until("two"), StartsWith("HTTP/1.1 200"));
}

std::function<void(Snapshot&)> passive(std::uint32_t fall) {
    return [fall](Snapshot& snapshot) {
        for (BackendSpec& backend : snapshot.pools[0].backends) {
            backend.passive_fall = fall;
        }
    };
}

TEST_F(Faults, LetsAServerGoThatFailsVisitorsInARow) {
    Origin origin(answer_all(ok));
    Gate gate({nobody(), origin.address()}, Mode::http, passive(3), 2);
    for (int i = 0; i < 20; ++i) {
        EXPECT_THAT(gate.ask(get_close), StartsWith("HTTP/1.1 200"));
    }
    // Each worker stops using the server when it sees the third failure in a row. A worker that did not see it may
    // count three more; without the passive check there would be ten.
    const auto failed = gate.server().report().backends[0].failed;
    EXPECT_GE(failed, 3U);
    EXPECT_LE(failed, 6U);
}

// Answers "/" with 200, and fails all else.
void answer_root_alone(Peer& peer) {
    for (std::string head = peer.read_until("\r\n\r\n"); !head.empty(); head = peer.read_until("\r\n\r\n")) {
        peer.send(head.starts_with("GET / ") ? ok : "no HTTP\r\n\r\n");
    }
}

TEST_F(Faults, OneVisitorCannotTakeAServerOutBySendingWhatItFails) {
    Origin origin(answer_root_alone);
    Gate gate({origin.address()}, Mode::http, passive(3));
    const std::string bad = "GET /me HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    for (int i = 0; i < 10; ++i) {
        EXPECT_THAT(gate.ask(bad), StartsWith("HTTP/1.1 502"));
    }
    EXPECT_THAT(gate.ask_from("127.0.0.2", get_close), StartsWith("HTTP/1.1 200")) << "the row begins anew";
    for (const char* visitor : {"127.0.0.2", "127.0.0.3"}) {
        EXPECT_THAT(gate.ask_from(visitor, bad), StartsWith("HTTP/1.1 502"));
    }
    EXPECT_THAT(gate.ask_from("127.0.0.3", bad), StartsWith("HTTP/1.1 502")) << "two visitors, and the third in a row";
    EXPECT_THAT(gate.ask(get_close), StartsWith("HTTP/1.1 503"));
}

// The same balancer sends all requests: the clients that its fields name are counted.
TEST_F(Faults, VisitorsBehindABalancerAreToldApartByWhatItSays) {
    Origin origin(answer_root_alone);
    Gate gate({origin.address()}, Mode::http, [](Snapshot& snapshot) {
        passive(2)(snapshot);
        snapshot.listeners[0].trusted = {*Network::parse("127.0.0.0/8")};
    });
    const auto bad = [&](int visitor) {
        return gate.ask(fmt::format(
            "GET /me HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.{}\r\nConnection: close\r\n\r\n", visitor));
    };
    for (const int visitor : {1, 1, 1, 2}) {
        EXPECT_THAT(bad(visitor), StartsWith("HTTP/1.1 502"));
    }
    EXPECT_THAT(bad(1), StartsWith("HTTP/1.1 503"));
}

TEST_F(Faults, KeepsAServerWithFailuresThatAreNotInARow) {
    std::atomic<int> asked{0};
    Origin origin([&asked](Peer& peer) {
        peer.read_until("\r\n\r\n");
        peer.send(++asked % 3 == 0 ? "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi" : "");
        peer.end();
    });
    Gate gate({origin.address()}, Mode::http, passive(3));
    for (int i = 1; i <= 12; ++i) {
        EXPECT_THAT(gate.ask(get_close), StartsWith(i % 3 == 0 ? "HTTP/1.1 200" : "HTTP/1.1 502"));
    }
    EXPECT_EQ(asked, 12);
}

TEST_F(Faults, CountsABodyThatBreaksOffAsAFailure) {
    Origin origin([](Peer& peer) {
        peer.read_until("\r\n\r\n");
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
        peer.end();
    });
    Gate gate({origin.address()}, Mode::http, passive(2));
    EXPECT_THAT(gate.ask(get_close), EndsWith("only this"));
    EXPECT_THAT(gate.ask_from("127.0.0.2", get_close), EndsWith("only this"));
    EXPECT_THAT(gate.ask(get_close), StartsWith("HTTP/1.1 503"));
}

// A server gives up a send after a time of its own (nginx: send_timeout).
TEST_F(Faults, AServerThatGivesUpAVisitorThatTakesNothingHasNotFailed) {
    std::binary_semaphore gave_up{0};
    Origin origin([&gave_up](Peer& peer) {
        peer.read_until("\r\n\r\n");
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n");
        const timeval patience{.tv_sec = 2, .tv_usec = 0};
        ::setsockopt(peer.fd(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        const std::string much(1 << 20, 'x');
        while (::send(peer.fd(), much.data(), much.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(much.size())) {
        }
        peer.end();
        gave_up.release();
        peer.read_all();
    });
    Gate gate({origin.address()}, Mode::http, passive(1));
    for (const char* from : {"127.0.0.2", "127.0.0.3"}) {
        Peer visitor = gate.client_from(from);
        visitor.send(get_close);
        ASSERT_TRUE(gave_up.try_acquire_for(std::chrono::seconds(20))) << "the server is asked";
        visitor.read_all();
    }
    EXPECT_EQ(gate.server().report().backends[0].failed, 0U);
}

TEST_F(Faults, WritesALineForEveryExchange) {
    Origin origin(answer_all(ok));
    std::string log;
    {
        Gate gate({origin.address()});
        EXPECT_THAT(gate.ask("GET /a\"b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), StartsWith("HTTP/1.1"));
        gate.server().drain(Milliseconds(0));
        EXPECT_TRUE(eventually([&] {
            log = gate.log();
            return !log.empty();
        }));
    }
    EXPECT_THAT(log, HasSubstr(R"("listener":"web","pool":"app")"));
}

}  // namespace
}  // namespace core::proxy::testing
