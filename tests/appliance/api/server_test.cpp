#include "appliance/api/server.hpp"

#include <gtest/gtest.h>
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
        Server server(listen(), std::make_unique<LocalEntrance>(), [&](const Request&) {
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
    Server server(listen(), std::make_unique<LocalEntrance>(), [&seen](const Request& request) {
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
    Server server(listen(), std::make_unique<LocalEntrance>(),
                  [](const Request&) -> Reply { throw std::runtime_error("boom"); });
    ASSERT_TRUE(server.start().has_value());
    EXPECT_TRUE(ask("GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 500"));
}

TEST_F(ServerTest, SurvivesWhatIsNotHttp) {
    Server server(listen(), std::make_unique<LocalEntrance>(), [](const Request&) { return Reply{}; });
    ASSERT_TRUE(server.start().has_value());
    ask("\r\n\r\n");
    ask(std::string("\0\1\2\xff\r\n\r\n", 8));
    connect();
    EXPECT_TRUE(ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 200"));
}

TEST_F(ServerTest, RefusesABodyPastItsLimit) {
    bool called = false;
    Server server(listen(), std::make_unique<LocalEntrance>(), [&called](const Request&) {
        called = true;
        return Reply{};
    });
    ASSERT_TRUE(server.start().has_value());
    const std::string answer = ask("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 413")) << answer;
    EXPECT_FALSE(called);
}

TEST_F(ServerTest, AnswersManyAtOnceAndRefusesWhatIsTooMany) {
    std::latch all_in(Server::connections_max);
    std::latch go(1);
    Server server(listen(), std::make_unique<LocalEntrance>(), [&](const Request&) {
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
    const std::string refused = read_all(connect());
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
        Server server(listen(), std::make_unique<LocalEntrance>(), [&](const Request&) {
            in.count_down();
            go.wait();
            done = true;
            return Reply{};
        });
        ASSERT_TRUE(server.start().has_value());
        client = connect();
        ASSERT_GT(::send(client.get(), "GET / HTTP/1.1\r\n\r\n", 18, MSG_NOSIGNAL), 0);
        in.wait();
        releaser = std::thread([&] { go.count_down(); });
    }
    EXPECT_TRUE(done);
    releaser.join();
}

TEST_F(ServerTest, AStreamIsSentBitByBitAndEndsWithItsConnection) {
    Server server(listen(), std::make_unique<LocalEntrance>(), [](const Request& request) {
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
    Server server(listen(), std::make_unique<LocalEntrance>(), [&](const Request&) {
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

}  // namespace
}  // namespace appliance::api
