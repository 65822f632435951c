#include "appliance/api/server.hpp"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <future>
#include <latch>
#include <vector>

namespace appliance::api {
namespace {

using core::base::Descriptor;

sockaddr_un name_of(const std::string& path) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    path.copy(name.sun_path, sizeof(name.sun_path) - 1);
    return name;
}

// Stands in for the supervisor: tests call from this very process.
std::unique_ptr<Entrance> local_entrance(std::chrono::milliseconds patience = Wire::request_max) {
    return std::make_unique<LocalEntrance>([](pid_t) { return false; }, [](pid_t, const std::string&) {}, patience);
}

class ServerTest : public testing::Test {
protected:
    ServerTest() : path_("/tmp/gatehouse-api-" + std::to_string(::getpid()) + ".sock") { ::unlink(path_.c_str()); }
    ~ServerTest() override { ::unlink(path_.c_str()); }

    Descriptor listen() const {
        Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        const sockaddr_un name = name_of(path_);
        EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof(name)), 0);
        EXPECT_EQ(::listen(socket.get(), 128), 0);
        return socket;
    }
    Descriptor connect() const {
        Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const sockaddr_un name = name_of(path_);
        EXPECT_EQ(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof(name)), 0);
        return socket;
    }
    static std::string read_all(const Descriptor& socket) {
        std::string all;
        char part[4096];
        ssize_t got = 0;
        while ((got = ::read(socket.get(), part, sizeof(part))) > 0) {
            all.append(part, static_cast<std::size_t>(got));
        }
        return all;
    }
    std::string ask(const std::string& request) const {
        const Descriptor socket = connect();
        EXPECT_EQ(::send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL),
                  static_cast<ssize_t>(request.size()));
        ::shutdown(socket.get(), SHUT_WR);
        return read_all(socket);
    }

    std::string path_;
};

TEST_F(ServerTest, DoesWhatComesThenOnlyWhenThePeerHasTheWholeAnswer) {
    std::latch read(1);
    bool done = false;
    {
        Server server(listen(), local_entrance(), [&](const Request&) {
            return Reply{202, "text/plain", "begun", [&] {
                             read.wait();
                             done = true;
                         }};
        });
        ASSERT_TRUE(server.start().has_value());
        const std::string answer = ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        EXPECT_TRUE(answer.ends_with("\r\n\r\nbegun")) << answer;
        read.count_down();
    }
    EXPECT_TRUE(done);
}

TEST_F(ServerTest, HandsTheRequestOverWithItsPeer) {
    Request seen;
    Server server(listen(), local_entrance(), [&seen](const Request& request) {
        seen = request;
        return Reply{201, "text/plain", "fine"};
    });
    ASSERT_TRUE(server.start().has_value());
    const std::string answer =
        ask("POST /v1/fence?format=nft HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            "Content-Length: 9\r\n\r\n{\"a\": 12}");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 201")) << answer;
    EXPECT_TRUE(answer.ends_with("\r\n\r\nfine")) << answer;
    EXPECT_EQ(seen.method, "POST");
    EXPECT_EQ(seen.path, "/v1/fence");
    EXPECT_EQ(seen.query["format"], "nft");
    EXPECT_EQ(seen.body, "{\"a\": 12}");
    EXPECT_EQ(seen.peer.uid, ::getuid());
    EXPECT_EQ(seen.peer.pid, ::getpid());
    EXPECT_FALSE(seen.peer.user.empty());
}

TEST_F(ServerTest, AnswersAFaultOfItsHandlerWith500) {
    Server server(listen(), local_entrance(), [](const Request&) -> Reply { throw std::runtime_error("boom"); });
    ASSERT_TRUE(server.start().has_value());
    EXPECT_TRUE(ask("GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 500"));
}

TEST_F(ServerTest, SurvivesWhatIsNotHttp) {
    Server server(listen(), local_entrance(), [](const Request&) { return Reply{}; });
    ASSERT_TRUE(server.start().has_value());
    ask("\r\n\r\n");
    ask(std::string("\0\1\2\xff\r\n\r\n", 8));
    connect();
    EXPECT_TRUE(ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 200"));
}

TEST_F(ServerTest, RefusesABodyPastItsLimit) {
    bool called = false;
    Server server(listen(), local_entrance(), [&called](const Request&) {
        called = true;
        return Reply{};
    });
    ASSERT_TRUE(server.start().has_value());
    const std::string answer = ask("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 413")) << answer;
    EXPECT_FALSE(called);
}

// Its peer is still sending when the answer comes, and reads only then.
TEST_F(ServerTest, APeerThatIsRefusedEarlyGetsItsAnswer) {
    Server server(listen(), local_entrance(), [](const Request&) { return Reply{}; });
    ASSERT_TRUE(server.start());
    const std::string head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1500000\r\n\r\n";
    const std::string body(500'000, 'x');
    const Descriptor peer = connect();
    ASSERT_EQ(::send(peer.get(), head.data(), head.size(), MSG_NOSIGNAL), static_cast<ssize_t>(head.size()));
    ASSERT_EQ(::send(peer.get(), body.data(), body.size(), MSG_NOSIGNAL), static_cast<ssize_t>(body.size()));
    ::shutdown(peer.get(), SHUT_WR);
    EXPECT_TRUE(read_all(peer).starts_with("HTTP/1.1 413 "));
}

TEST_F(ServerTest, AnswersManyAtOnceAndRefusesWhatIsTooMany) {
    std::latch all_in(Server::connections_max);
    std::latch go(1);
    Server server(listen(), local_entrance(), [&](const Request&) {
        all_in.count_down();
        go.wait();
        return Reply{};
    });
    ASSERT_TRUE(server.start().has_value());
    std::vector<Descriptor> waiting;
    const std::string request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    for (unsigned i = 0; i < Server::connections_max; ++i) {
        waiting.push_back(connect());
        ASSERT_GT(::send(waiting.back().get(), request.data(), request.size(), MSG_NOSIGNAL), 0);
    }
    all_in.wait();
    const std::string refused = ask(request);
    EXPECT_TRUE(refused.starts_with("HTTP/1.1 503")) << refused;
    const std::size_t body = refused.find("\r\n\r\n") + 4;
    EXPECT_NE(refused.find("Content-Length: " + std::to_string(refused.size() - body)), std::string::npos) << refused;
    go.count_down();
    for (const Descriptor& one : waiting) {
        EXPECT_TRUE(read_all(one).starts_with("HTTP/1.1 200"));
    }
}

TEST_F(ServerTest, WaitsForItsHandlersAtTheEnd) {
    std::latch in(1);
    std::latch go(1);
    std::atomic<bool> done = false;
    Descriptor client;
    std::thread releaser;
    {
        Server server(listen(), local_entrance(), [&](const Request&) {
            in.count_down();
            go.wait();
            done = true;
            return Reply{};
        });
        ASSERT_TRUE(server.start().has_value());
        client = connect();
        const std::string request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
        ASSERT_GT(::send(client.get(), request.data(), request.size(), MSG_NOSIGNAL), 0);
        in.wait();
        releaser = std::thread([&] { go.count_down(); });
    }
    EXPECT_TRUE(done);
    releaser.join();
}

TEST_F(ServerTest, AStreamIsSentBitByBitAndEndsWithItsConnection) {
    Server server(listen(), local_entrance(), [](const Request& request) {
        Reply reply{200, "text/event-stream", {}};
        reply.fields["X-Seen"] = request.last_event_id;
        reply.stream = [left = 3](const Reply::Write& write) mutable { return write("data: x\n\n") && --left > 0; };
        return reply;
    });
    ASSERT_TRUE(server.start());
    EXPECT_EQ(ask("GET /v1/events HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: 7\r\n\r\n"),
              "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/event-stream\r\nX-Seen: 7\r\n\r\n"
              "data: x\n\ndata: x\n\ndata: x\n\n");
}

TEST_F(ServerTest, AStreamEndsWhenItsReaderHasGone) {
    std::promise<void> over;
    Server server(listen(), local_entrance(), [&](const Request&) {
        Reply reply{200, "text/event-stream", {}};
        const std::shared_ptr<void> end(nullptr, [&over](void*) { over.set_value(); });
        reply.stream = [end](const Reply::Write& write) { return write(std::string(4096, 'x')); };
        return reply;
    });
    ASSERT_TRUE(server.start());
    {
        const Descriptor socket = connect();
        const std::string request = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
        ASSERT_EQ(::send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL),
                  static_cast<ssize_t>(request.size()));
    }
    over.get_future().get();
}

TEST_F(ServerTest, ReadsChunksAndSaysWhenToGoOn) {
    Request seen;
    Server server(listen(), local_entrance(), [&seen](const Request& request) {
        seen = request;
        return Reply{};
    });
    ASSERT_TRUE(server.start());
    const std::string answer =
        ask("PUT /a%20b?x=1+2%2B&x=3&&=y&z HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
            "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n1;e=f\r\n \r\n0\r\nTrailer: x\r\n\r\n");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")) << answer;
    EXPECT_EQ(seen.body, "{} ");
    EXPECT_EQ(seen.path, "/a%20b");
    EXPECT_EQ(seen.query, (std::map<std::string, std::string>{{"x", "1 2+"}, {"z", ""}}));
}

TEST_F(ServerTest, AnswersHeadWithoutABodyAndHandsOtherMethodsOver) {
    std::string method;
    Server server(listen(), local_entrance(), [&method](const Request& request) {
        method = request.method;
        return Reply{200, "text/plain", "five!"};
    });
    ASSERT_TRUE(server.start());
    const std::string head = ask("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_NE(head.find("Content-Length: 5\r\n"), std::string::npos) << head;
    EXPECT_TRUE(head.ends_with("\r\n\r\n")) << head;
    EXPECT_TRUE(ask("DELETE / HTTP/1.1\r\nHost: x\r\n\r\n").ends_with("five!"));
    EXPECT_EQ(method, "DELETE");
}

// A few bytes would become gigabytes when they are inflated.
TEST_F(ServerTest, RefusesACompressedBodyBeforeItIsRead) {
    bool called = false;
    Server server(listen(), local_entrance(), [&called](const Request&) {
        called = true;
        return Reply{};
    });
    ASSERT_TRUE(server.start());
    for (const char* coding : {"gzip", "br", "deflate", "identity, gzip", "nothing"}) {
        // The body is announced and never comes: the server does not wait for it.
        const std::string answer = ask(std::string("POST / HTTP/1.1\r\nHost: x\r\nContent-Encoding: ") + coding +
                                       "\r\nContent-Length: 1000\r\n\r\n");
        EXPECT_TRUE(answer.starts_with("HTTP/1.1 415 ")) << answer;
        EXPECT_NE(answer.find("send it without Content-Encoding"), std::string::npos) << answer;
    }
    EXPECT_FALSE(called);
    EXPECT_TRUE(ask("POST / HTTP/1.1\r\nHost: x\r\nContent-Encoding: identity\r\nContent-Length: 2\r\n\r\n{}")
                    .starts_with("HTTP/1.1 200 "));
}

TEST_F(ServerTest, KnowsNoRanges) {
    Server server(listen(), local_entrance(), [](const Request&) {
        return Reply{200, "text/plain", std::string(10'000, 'x')};
    });
    ASSERT_TRUE(server.start());
    std::string ranges = "bytes=0-";
    for (int i = 0; i < 1000; ++i) {
        ranges += ",0-";
    }
    for (const std::string& range : {ranges, std::string("bytes=9-1"), std::string("bytes=-5"), std::string("x")}) {
        const std::string answer = ask("GET / HTTP/1.1\r\nHost: x\r\nRange: " + range + "\r\n\r\n");
        EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 ")) << answer.substr(0, 200);
        EXPECT_NE(answer.find("Content-Length: 10000\r\n"), std::string::npos);
    }
}

TEST_F(ServerTest, AQueryThatIsNoTextIsRefused) {
    Server server(listen(), local_entrance(), [](const Request&) { return Reply{}; });
    ASSERT_TRUE(server.start());
    EXPECT_TRUE(ask("GET /?why=%ff HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 400 "));
    EXPECT_TRUE(ask("GET /?why=%C3%A4%zz% HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 200 "));
}

// A request that comes byte by byte has the same time as another.
TEST_F(ServerTest, APeerThatDribblesRunsOutOfTime) {
    Server server(listen(), local_entrance(std::chrono::milliseconds(300)), [](const Request&) { return Reply{}; });
    ASSERT_TRUE(server.start());
    for (const char* begin : {"", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n",
                              "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n"}) {
        const Descriptor peer = connect();
        const std::string_view text = begin;
        ASSERT_EQ(::send(peer.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
        unsigned sent = 0;
        while (::send(peer.get(), "x", 1, MSG_NOSIGNAL) == 1 && sent < 2'000) {
            ++sent;
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
        EXPECT_LT(sent, 2'000U) << begin;
        EXPECT_TRUE(read_all(peer).starts_with("HTTP/1.1 408 ")) << begin;
    }
}

TEST_F(ServerTest, SilentPeersMakeRoom) {
    Server server(listen(), local_entrance(), [](const Request&) { return Reply{}; });
    ASSERT_TRUE(server.start());
    std::vector<Descriptor> silent;
    for (unsigned i = 0; i < 3 * SlotLimits{}.strangers; ++i) {
        silent.push_back(connect());
        if (i % 2 == 0) {
            ASSERT_EQ(::send(silent.back().get(), "GET / HT", 8, MSG_NOSIGNAL), 8);
        }
        if (i % 16 == 0) {
            EXPECT_TRUE(ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 200 ")) << i;
        }
    }
    EXPECT_TRUE(ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 200 "));
    EXPECT_EQ(read_all(silent.front()), "") << "the oldest went first";
}

// New threads get a stack that no address space holds, so that none can be made.
TEST_F(ServerTest, WithoutAThreadItSaysSoAndGoesOn) {
    Server server(listen(), local_entrance(), [](const Request&) { return Reply{}; });
    ASSERT_TRUE(server.start());
    pthread_attr_t before;
    pthread_attr_t huge;
    ASSERT_EQ(::pthread_getattr_default_np(&before), 0);
    ASSERT_EQ(::pthread_attr_init(&huge), 0);
    ASSERT_EQ(::pthread_attr_setstacksize(&huge, std::size_t{1} << 47), 0);
    ASSERT_EQ(::pthread_setattr_default_np(&huge), 0);
    const std::string refused = read_all(connect());
    ASSERT_EQ(::pthread_setattr_default_np(&before), 0);
    EXPECT_TRUE(refused.starts_with("HTTP/1.1 503 ")) << refused;
    EXPECT_TRUE(ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 200 "));
}

TEST_F(ServerTest, WithoutADescriptorItWaitsAndGoesOn) {
#ifdef __SANITIZE_ADDRESS__
    GTEST_SKIP() << "a sanitized build: UBSan looks at objects through a pipe and needs descriptors of its own";
#endif
    Server server(listen(), local_entrance(), [](const Request&) { return Reply{}; });
    ASSERT_TRUE(server.start());
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    const Descriptor early = connect();
    const std::string request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    // Another one, so that the server has used its last number when this has its answer.
    ask(request);
    const Descriptor late(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    rlimit none = before;
    none.rlim_cur = 3;  // below every number in use: nothing new is given
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
    const sockaddr_un name = name_of(path_);
    const int connected = ::connect(late.get(), reinterpret_cast<const sockaddr*>(&name), sizeof(name));
    rusage begin{};
    rusage end{};
    ::getrusage(RUSAGE_SELF, &begin);
    std::this_thread::sleep_for(std::chrono::milliseconds(400));
    ::getrusage(RUSAGE_SELF, &end);
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
    ASSERT_EQ(connected, 0);
    const auto busy_us = [](const rusage& use) {
        return (use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1'000'000 + use.ru_utime.tv_usec + use.ru_stime.tv_usec;
    };
    EXPECT_LT(busy_us(end) - busy_us(begin), 200'000) << "it spins";
    ASSERT_GT(::send(late.get(), request.data(), request.size(), MSG_NOSIGNAL), 0);
    EXPECT_TRUE(read_all(late).starts_with("HTTP/1.1 200 "));
    EXPECT_EQ(read_all(early), "") << "a stranger made room";
}

}  // namespace
}  // namespace appliance::api
