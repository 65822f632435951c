// Time and endings: which silence counts for how long, which side is blamed, what a cut looks like, how a drain ends.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <latch>
#include "tests/core/proxy/gate.hpp"
namespace core::proxy::testing {
namespace {
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using namespace std::chrono_literals;

using Endings = RingTest;

TEST_F(Endings, APostMayTakeAsLongAsTheBackendTimeoutSays) {
    Origin origin([](Peer& peer) {
        peer.read_until("body");
        ::usleep(500'000);
        peer.send(ok);
        peer.read_all();
    });
    Gate gate({origin.address()}, Mode::http, [](Snapshot& s) {
        s.timeouts.client = Milliseconds(150);
        s.timeouts.backend = Milliseconds(5000);
    });
    EXPECT_THAT(gate.ask("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody"),
                StartsWith("HTTP/1.1 200"));
}

TEST_F(Endings, AGetMayTakeAsLongAsTheBackendTimeoutSays) {
    Origin origin([](Peer& peer) {
        peer.read_until("\r\n\r\n");
        ::usleep(500'000);
        peer.send(ok);
        peer.read_all();
    });
    Gate gate({origin.address()}, Mode::http, [](Snapshot& s) {
        s.timeouts.client = Milliseconds(150);
        s.timeouts.backend = Milliseconds(5000);
    });
    EXPECT_THAT(gate.ask(get_close), StartsWith("HTTP/1.1 200"));
}

TEST_F(Endings, AServerThatSaysThatItIsAtItMayTakeLonger) {
    for (const char* sign : {"HTTP/1.1 102 Processing\r\n\r\n", "X-Sign: of life\r\n"}) {
        Origin origin([sign](Peer& peer) {
            peer.read_until("\r\n\r\n");
            const bool head = sign[0] == 'X';
            peer.send(head ? "HTTP/1.1 200 OK\r\n" : "");
            for (int signs = 0; signs < 12; ++signs) {
                ::usleep(250'000);
                peer.send(sign);
            }
            peer.send(head ? "Content-Length: 2\r\n\r\nhi" : ok);
            peer.read_all();
        });
        Gate gate({origin.address()}, Mode::http, [](Snapshot& s) { s.timeouts.backend = Milliseconds(2000); });
        EXPECT_THAT(gate.ask(get_close), HasSubstr("HTTP/1.1 200")) << sign;
    }
}

TEST_F(Endings, AResponseBodyMayPauseAsLongAsTheBackendTimeoutSays) {
    Origin origin([](Peer& peer) {
        peer.read_until("\r\n\r\n");
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab");
        ::usleep(500'000);
        peer.send("cd");
        peer.read_all();
    });
    Gate gate({origin.address()}, Mode::http, [](Snapshot& s) {
        s.timeouts.client = Milliseconds(150);
        s.timeouts.backend = Milliseconds(5000);
    });
    const std::string r = gate.ask(get_close);
    EXPECT_TRUE(r.ends_with("\r\n\r\nabcd")) << r;
}

TEST_F(Endings, Answers502WhenTheBackendDiesInTheMiddleOfAnUpload) {
    Origin origin([](Peer& peer) {
        peer.read_until("beginning");  // and then closes without an answer
    });
    Gate gate({origin.address()});
    Peer client = gate.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nbeginning");
    const std::string r = client.read_all();
    EXPECT_THAT(r, StartsWith("HTTP/1.1 502"));
    EXPECT_EQ(gate.server().report().backends[0].failed, 1U);
}

TEST_F(Endings, Answers502ToGarbageWhileAClientWaitsFor100) {
    Origin origin([](Peer& peer) {
        peer.read_until("\r\n\r\n");
        peer.send("SSH-2.0-OpenSSH_9.2\r\n");
        peer.read_all();
    });
    Gate gate({origin.address()});
    Peer client = gate.client();
    client.send("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    EXPECT_THAT(client.read_all(), StartsWith("HTTP/1.1 502"));
}

TEST_F(Endings, Answers504WhenTheBackendIsSilentWhileAClientWaitsFor100) {
    Origin origin([](Peer& peer) { peer.read_all(); });
    Gate gate({origin.address()}, Mode::http, [](Snapshot& s) { s.timeouts.backend = Milliseconds(100); });
    Peer client = gate.client();
    client.send("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    EXPECT_THAT(client.read_all(), StartsWith("HTTP/1.1 504"));
}

TEST_F(Endings, AClientSilentInItsBodyIsNotTheBackendsFailure) {
    Origin origin([](Peer& peer) { peer.read_all(); });
    Gate gate({origin.address()}, Mode::http, [](Snapshot& s) {
        s.timeouts.client = Milliseconds(150);
        s.timeouts.backend = Milliseconds(5000);
    });
    Peer client = gate.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nbeginning");
    EXPECT_THAT(client.read_all(), StartsWith("HTTP/1.1 408"));
    EXPECT_EQ(gate.server().report().backends[0].failed, 0U);
}

TEST_F(Endings, AReloadLeavesNothingOfAListenerButItsSessions) {
    Origin origin(answer_all(ok));
    Gate gate({origin.address()});
    Peer client = gate.client();
    client.send(get);
    EXPECT_TRUE(client.read_until("hi").ends_with("hi"));
    gate.server().configure(std::make_shared<Snapshot>(), {});
    base::Descriptor late(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_storage storage{};
    const socklen_t size = gate.address().fill(storage);
    EXPECT_EQ(::connect(late.get(), reinterpret_cast<sockaddr*>(&storage), size), -1);
    EXPECT_EQ(errno, ECONNREFUSED);
    client.send(get);
    EXPECT_THAT(client.read_until("\r\n\r\n"), StartsWith("HTTP/1.1 503"));
}

TEST_F(Endings, AReloadAtTheSessionLimitLeavesTheListenerOpen) {
    Origin origin(answer_all(ok));
    auto limit = std::make_shared<std::uint32_t>(1);
    Gate gate({origin.address()}, Mode::http, [limit](Snapshot& s) { s.limits.sessions = *limit; });
    Peer first = gate.client();
    first.send(get);
    first.read_until("hi");
    static_cast<void>(gate.server().report());
    static_cast<void>(gate.server().report());
    *limit = 100;
    gate.reload({origin.address()});
    Peer second = gate.client();
    second.send(get);
    EXPECT_THAT(second.read_until("hi"), StartsWith("HTTP/1.1 200"));
}

TEST_F(Endings, AtTheSessionLimitNewcomersWait) {
    Origin origin(answer_all(ok));
    Gate gate({origin.address()}, Mode::http, [](Snapshot& s) { s.limits.sessions = 1; });
    {
        Peer first = gate.client();
        first.send(get);
        first.read_until("hi");
    }
    Peer second = gate.client();
    second.send(get);
    EXPECT_THAT(second.read_until("hi"), StartsWith("HTTP/1.1 200"));
}

TEST_F(Endings, ARequestInTheBacklogIsAnsweredWhenADrainBegins) {
    Origin origin(answer_all(ok));
    Gate gate({origin.address()}, Mode::http, [](Snapshot& s) { s.limits.sessions = 1; });
    Peer first = gate.client();
    first.send(get);
    first.read_until("hi");
    static_cast<void>(gate.server().report());
    Peer second = gate.client();
    second.send(get);
    gate.server().drain(Milliseconds(2000));
    EXPECT_THAT(second.read_all(), StartsWith("HTTP/1.1 200"));
}

TEST_F(Endings, ADrainEndsAtItsDeadlineWhateverIsStillAccepted) {
    Origin origin([](Peer& peer) { peer.read_all(); });
    Address address;
    base::Descriptor listening = tests::listen_on_loopback(address);
    const base::Descriptor nowhere(::open("/dev/null", O_WRONLY));  // closed after the log's thread has ended
    base::Log log(nowhere.get());
    Commons commons;
    Worker worker(0, {}, commons, log);
    std::promise<Result<void>> started;
    auto ready = started.get_future();
    std::thread thread([&] { worker.run(started); });
    ASSERT_TRUE(ready.get().has_value());
    auto snapshot = std::make_shared<Snapshot>();
    snapshot->listeners.push_back({{.mode = Mode::tcp}, "chat", address, "app"});
    PoolSpec pool;
    pool.name = "app";
    BackendSpec spec;
    spec.server = "web1";
    spec.address = origin.address();
    pool.backends.push_back(spec);
    snapshot->pools.push_back(pool);
    std::latch configured(1);
    worker.post([&] {
        std::vector<Worker::Listening> listeners;
        listeners.push_back({snapshot->listeners[0], std::move(listening)});
        worker.apply(snapshot, std::move(listeners), {}, [] {});
        worker.set_health("app", "web1", origin.address(), true);
        configured.count_down();
    });
    configured.wait();
    ::usleep(100'000);
    std::latch busy(1);
    std::latch connected(1);
    worker.post([&] {  // the worker is busy for a moment; a client connects; then the order to drain is read
        busy.count_down();
        connected.wait();
        worker.drain(Milliseconds(100), Worker::Idle::end);
    });
    busy.wait();
    auto client = std::make_unique<Peer>(tests::connect_to(address));
    ::usleep(50'000);
    connected.count_down();
    std::promise<void> joined;
    auto over = joined.get_future();
    std::thread watcher([&] {
        thread.join();
        joined.set_value();
    });
    EXPECT_EQ(over.wait_for(3s), std::future_status::ready) << "the worker still runs 3 s after a drain of 100 ms";
    client.reset();
    client = nullptr;
    over.wait();
    watcher.join();
}

TEST_F(Endings, AClientThatReadsNoInterimResponsesIsGivenUp) {
    std::atomic<bool> ended{false};
    Origin origin([&](Peer& peer) {
        peer.read_until("\r\n\r\n");
        const std::string hint = "HTTP/1.1 103 Early Hints\r\nLink: " + std::string(8000, 'x') + "\r\n\r\n";
        for (int i = 0; i < 20000 && !ended; ++i) {
            if (::send(peer.fd(), hint.data(), hint.size(), MSG_NOSIGNAL) <= 0) {
                break;
            }
        }
    });
    Gate gate({origin.address()}, Mode::http, [](Snapshot& s) {
        s.timeouts.client = Milliseconds(200);
        s.timeouts.backend = Milliseconds(1000);
        s.timeouts.head = Milliseconds(200);
        s.timeouts.keep_alive = Milliseconds(200);
    });
    Peer client = gate.client();
    client.send(get);
    EXPECT_TRUE(gate.becomes_idle());
    ended = true;
    client.reset();
}

TEST_F(Endings, A101CarriesConnectionUpgradeAlone) {
    Origin origin([](Peer& peer) {
        peer.read_until("\r\n\r\n");
        peer.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
        peer.read_all();
    });
    Gate gate({origin.address()});
    Peer client = gate.client();
    client.send("GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    EXPECT_THAT(client.read_until("\r\n\r\n"), Not(HasSubstr("close")));
}

TEST_F(Endings, ARelayCutByADeadlineEndsWithReset) {
    Origin origin([](Peer& peer) {
        peer.send("part");
        peer.read_all();
    });
    Gate gate({origin.address()}, Mode::tcp, [](Snapshot& s) { s.timeouts.relay_idle = Milliseconds(200); });
    Peer client = gate.client();
    client.read_until("part");
    EXPECT_EQ(client.read_all(), "<reset>");
}

constexpr std::size_t whole_size = 32 << 20;

TEST_F(Endings, ABodyThatWeCutIsNotFinishedWithALastChunk) {
    Origin origin([](Peer& peer) {
        peer.read_until("\r\n\r\n");
        peer.send("HTTP/1.1 200 OK\r\n\r\n" + std::string(whole_size, 'z'));
    });
    Gate gate({origin.address()});
    Peer client = gate.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    client.read_until("\r\n\r\n");
    ::usleep(300'000);
    client.send("zz\r\n");
    ::usleep(300'000);
    const std::string body = client.read_all();
    EXPECT_FALSE(body.ends_with("\r\n0\r\n\r\n")) << "cut at " << body.size() << " of " << whole_size;
}

// A client that sends its whole request before it reads: a close with unread bytes discards the answer.
TEST_F(Endings, AnAnswerBeforeTheEndOfAnUploadReachesAClientThatReadsOnlyThen) {
    Origin origin([](Peer& peer) {
        peer.read_until("\r\n\r\n");
        peer.send("HTTP/1.1 403 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
        peer.end();
        peer.read_all();
    });
    Gate gate({origin.address()});
    Peer client = gate.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8388608\r\n\r\n");
    const std::string piece(64 * 1024, 'x');
    for (int i = 0; i < 128; ++i) {
        client.send(piece);
    }
    EXPECT_THAT(client.read_all(), StartsWith("HTTP/1.1 403 No"));
}

// No server takes the body, and the client has its answer. We receive while it sends, but not without end.
TEST_F(Endings, ARefusedUploadIsHeardToItsEnd) {
    Gate gate({nobody()});
    Peer client = gate.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8388608\r\n\r\n");
    const std::string piece(64 * 1024, 'x');
    std::size_t left = 8 << 20;
    while (left > 0) {
        const ssize_t sent = ::send(client.fd(), piece.data(), std::min(left, piece.size()), MSG_NOSIGNAL);
        ASSERT_GT(sent, 0) << left << " bytes are left";
        left -= static_cast<std::size_t>(sent);
    }
    client.end();
    const std::string answer = client.read_all();
    EXPECT_THAT(answer, AllOf(StartsWith("HTTP/1.1 503"), Not(HasSubstr("<reset>"))));
}

TEST_F(Endings, AnUploadThatGoesOnAfterItsRefusalIsCutInTime) {
    Gate gate({nobody()}, Mode::http, [](Snapshot& s) { s.timeouts.linger = Milliseconds(300); });
    Peer client = gate.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8388608\r\n\r\n");
    EXPECT_THAT(client.read_until("\r\n\r\n"), StartsWith("HTTP/1.1 503"));
    const auto began = std::chrono::steady_clock::now();
    while (::send(client.fd(), "x", 1, MSG_NOSIGNAL) == 1 && std::chrono::steady_clock::now() - began < 20s) {
        ::usleep(20'000);
    }
    const auto took = std::chrono::steady_clock::now() - began;
    EXPECT_GE(took, 250ms);
    EXPECT_LT(took, 20s);
}

TEST_F(Endings, ARefusedClientThatSendsNothingMoreIsLeftSoon) {
    Gate gate({nobody()});
    const Peer client = gate.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8388608\r\n\r\n");
    const auto began = std::chrono::steady_clock::now();
    while (gate.server().report().listeners[0].sessions > 0 && std::chrono::steady_clock::now() - began < 20s) {
        ::usleep(20'000);
    }
    EXPECT_LT(std::chrono::steady_clock::now() - began, 20s);
}

}  // namespace
}  // namespace core::proxy::testing
