// Logins that belong to a connection (NTLM, Negotiate): no other client may use that connection.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <semaphore>

#include "tests/core/proxy/gate.hpp"

namespace core::proxy::testing {
namespace {

using ::testing::EndsWith;
using ::testing::StartsWith;

using Logins = RingTest;

std::string answer_of(std::string_view status, std::string_view fields, std::string_view body) {
    return "HTTP/1.1 " + std::string(status) + "\r\n" + std::string(fields) +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

// Identifies each connection by its first credentials, as Windows servers do.
std::function<void(Peer&)> windows_server(std::string challenge = "WWW-Authenticate: NTLM\r\n") {
    return [challenge](Peer& peer) {
        std::string who;
        for (;;) {
            const std::string head = peer.read_until("\r\n\r\n");
            if (head.empty()) {
                return;
            }
            const auto at = head.find("uthorization: ");
            if (who.empty() && at != std::string::npos) {
                const auto begin = head.find(' ', at + 14) + 1;
                who = head.substr(begin, head.find('\r', begin) - begin);
            }
            peer.send(who.empty() ? answer_of("401 Unauthorized", challenge, "who are you?")
                                  : answer_of("200 OK", "", "you are " + who));
        }
    };
}

std::string login_request(std::string_view fields, std::string_view method = "GET") {
    return std::string(method) + " / HTTP/1.1\r\nHost: a\r\n" + (method == "POST" ? "Content-Length: 0\r\n" : "") +
           std::string(fields) + "\r\n";
}

std::string ask_at(Peer& client, const std::string& sent, std::string_view mark) {
    client.send(sent);
    return client.read_until(mark);
}

TEST_F(Logins, BelongToTheClientThatHasLoggedIn) {
    for (const char* scheme : {"NTLM", "Negotiate", "Nego2", "negotiate"}) {
        Origin origin(windows_server());
        Gate gate({origin.address()});
        Peer alice = gate.client();
        Peer bob = gate.client();
        const std::string login = login_request("Authorization: " + std::string(scheme) + " alice\r\n");
        EXPECT_THAT(ask_at(alice, login, "alice"), EndsWith("you are alice")) << scheme;
        EXPECT_THAT(ask_at(bob, get, "you?"), StartsWith("HTTP/1.1 401")) << scheme;
        EXPECT_THAT(ask_at(alice, get, "alice"), EndsWith("you are alice")) << scheme;
        EXPECT_THAT(ask_at(alice, login_request("", "POST"), "alice"), EndsWith("you are alice")) << scheme;
        EXPECT_EQ(origin.connections(), 2) << scheme;
    }
}

TEST_F(Logins, BelongToTheClientThatHasLoggedInAtAProxyBehindUs) {
    Origin origin(windows_server());
    Gate gate({origin.address()});
    Peer alice = gate.client();
    Peer bob = gate.client();
    const std::string login = login_request("Proxy-Authorization: Negotiate alice\r\n");
    EXPECT_THAT(ask_at(alice, login, "alice"), EndsWith("you are alice"));
    EXPECT_THAT(ask_at(bob, get, "you?"), StartsWith("HTTP/1.1 401"));
    EXPECT_THAT(ask_at(alice, get, "alice"), EndsWith("you are alice"));
}

TEST_F(Logins, BeginWithTheServersChallenge) {
    const std::pair<const char*, int> cases[] = {
        {"WWW-Authenticate: NTLM\r\n", 2},
        {"WWW-Authenticate: Basic realm=\"x\"\r\nwww-authenticate: Negotiate\r\n", 2},
        {"WWW-Authenticate: Basic realm=\"x, y\", Negotiate\r\n", 2},
        {"WWW-Authenticate: Negotiate oRQwEqADCgEBoQsGCSqG\r\n", 2},
        {"WWW-Authenticate: Basic realm=\"x\"\r\n", 1},
        {"WWW-Authenticate: Bearer\r\n", 1},
        {"Proxy-Authenticate: NTLM\r\n", 1},  // not with 401
        {"X-Note: NTLM\r\n", 1},
    };
    for (const auto& [challenge, connections] : cases) {
        Origin origin(windows_server(challenge));
        Gate gate({origin.address()});
        Peer alice = gate.client();
        Peer bob = gate.client();
        EXPECT_THAT(ask_at(alice, get, "you?"), StartsWith("HTTP/1.1 401"));
        EXPECT_THAT(ask_at(bob, get, "you?"), StartsWith("HTTP/1.1 401"));
        EXPECT_EQ(origin.connections(), connections) << challenge;
    }
}

TEST_F(Logins, ThroughAProxyBehindUsToo) {
    Origin origin(
        answer_all("HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: NTLM\r\n"
                   "Content-Length: 2\r\n\r\nhi"));
    Gate gate({origin.address()});
    Peer alice = gate.client();
    Peer bob = gate.client();
    ask_at(alice, get, "\r\n\r\nhi");
    ask_at(bob, get, "\r\n\r\nhi");
    EXPECT_EQ(origin.connections(), 2);
}

TEST_F(Logins, EndWithTheClientsConnection) {
    std::promise<void> ended;
    Origin origin([&](Peer& peer) {
        windows_server()(peer);
        ended.set_value();
    });
    Gate gate({origin.address()});
    {
        Peer alice = gate.client();
        EXPECT_THAT(ask_at(alice, login_request("Authorization: NTLM alice\r\n"), "alice"), EndsWith("you are alice"));
    }
    EXPECT_EQ(ended.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
}

TEST_F(Logins, EndWhenTheirServerIsFencedAndTheClientIsAskedAgainElsewhere) {
    std::promise<void> ended;
    Origin first([&](Peer& peer) {
        windows_server()(peer);
        ended.set_value();
    });
    Origin second(windows_server());
    Gate gate({first.address(), second.address()});
    gate.fence({"web2"});
    Peer alice = gate.client();
    EXPECT_THAT(ask_at(alice, login_request("Authorization: NTLM alice\r\n"), "alice"), EndsWith("you are alice"));
    gate.fence({"web1"});
    EXPECT_EQ(ended.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready)
        << "the idle connection is closed at once";
    EXPECT_THAT(ask_at(alice, get, "you?"), StartsWith("HTTP/1.1 401"));
    EXPECT_EQ(second.connections(), 1);
}

TEST_F(Logins, AServerThatHasClosedIsConnectedToAnew) {
    std::binary_semaphore closed{0};
    std::atomic<int> number = 0;
    Origin origin([&](Peer& peer) {
        if (++number == 1) {
            peer.read_until("\r\n\r\n");
            peer.send("HTTP/1.1 401 No\r\nWWW-Authenticate: NTLM\r\nContent-Length: 2\r\n\r\nhi");
            peer.end();
            closed.release();
            return;
        }
        answer_all(ok)(peer);
    });
    Gate gate({origin.address()});
    Peer alice = gate.client();
    EXPECT_THAT(ask_at(alice, get, "\r\n\r\nhi"), StartsWith("HTTP/1.1 401"));
    ASSERT_TRUE(closed.try_acquire_for(std::chrono::seconds(20)));
    EXPECT_THAT(ask_at(alice, login_request("", "POST"), "\r\n\r\nhi"), StartsWith("HTTP/1.1 200"));
}

TEST_F(Logins, GoOnBesideTheLimitOfTheirServer) {
    std::binary_semaphore asked{0};
    std::binary_semaphore go{0};
    Origin origin([&](Peer& peer) {
        const std::string head = peer.read_until("\r\n\r\n");
        if (head.find("GET /slow") == 0) {
            asked.release();
            EXPECT_TRUE(go.try_acquire_for(std::chrono::seconds(20)));
            peer.send(ok);
            return;
        }
        peer.send("HTTP/1.1 401 No\r\nWWW-Authenticate: NTLM\r\nContent-Length: 2\r\n\r\nhi");
        answer_all(ok)(peer);
    });
    Gate gate({origin.address()}, Mode::http,
              [](Snapshot& snapshot) { snapshot.pools.front().backends.front().max_connections = 1; });
    Peer alice = gate.client();
    EXPECT_THAT(ask_at(alice, get, "\r\n\r\nhi"), StartsWith("HTTP/1.1 401"));
    Peer bob = gate.client();
    bob.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
    ASSERT_TRUE(asked.try_acquire_for(std::chrono::seconds(20)));
    EXPECT_THAT(ask_at(alice, get, "\r\n\r\nhi"), StartsWith("HTTP/1.1 200")) << "it waits for no place";
    go.release();
    EXPECT_THAT(bob.read_until("\r\n\r\nhi"), StartsWith("HTTP/1.1 200"));
    Peer carl = gate.client();
    EXPECT_THAT(ask_at(carl, get, "\r\n\r\nhi"), StartsWith("HTTP/1.1 401")) << "the place is free again";
}

TEST_F(Logins, HoldBehindAProxyHeader) {
    Origin origin([](Peer& peer) {
        EXPECT_THAT(peer.read_until("\r\n"), StartsWith("PROXY TCP4 127.0.0.1 "));
        windows_server()(peer);
    });
    Gate gate({origin.address()}, Mode::http,
              [](Snapshot& snapshot) { snapshot.pools.front().proxy_protocol = net::ProxyVersion::v1; });
    Peer alice = gate.client();
    EXPECT_THAT(ask_at(alice, login_request("Authorization: NTLM alice\r\n"), "alice"), EndsWith("you are alice"));
    EXPECT_THAT(ask_at(alice, get, "alice"), EndsWith("you are alice"));
    EXPECT_EQ(origin.connections(), 1);
}

}  // namespace
}  // namespace core::proxy::testing
