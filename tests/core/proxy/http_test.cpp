// HTTP through a real worker. Client and backend are plain sockets, and the bytes between them are compared.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/core/proxy/gate.hpp"

namespace core::proxy::testing {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

using Http = RingTest;

TEST_F(Http, ForwardsARequestAndItsResponse) {
    std::string seen;
    Origin origin(answer_once(seen, "\r\n\r\n", ok));
    Gate gate({origin.address()});
    const std::string response = gate.ask(get_close);
    EXPECT_THAT(response, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(response, HasSubstr("\r\n\r\nhi"));
    EXPECT_THAT(seen, StartsWith("GET / HTTP/1.1\r\n"));
    EXPECT_THAT(seen, HasSubstr("Host: a\r\n"));
    EXPECT_THAT(seen, HasSubstr("X-Forwarded-For: 127.0.0.1\r\n"));
    EXPECT_THAT(seen, Not(HasSubstr("Connection: close")));
}

TEST_F(Http, KeepsBothConnectionsForTheNextRequest) {
    Origin origin(answer_all(ok));
    Gate gate({origin.address()});
    Peer client = gate.client();
    for (int i = 0; i < 5; ++i) {
        client.send(get);
        EXPECT_THAT(client.read_until("\r\n\r\nhi"), StartsWith("HTTP/1.1 200"));
    }
    EXPECT_EQ(origin.connections(), 1);
}

TEST_F(Http, AnswersPipelinedRequestsInOrder) {
    Origin origin([](Peer& peer) {
        for (std::string head = peer.read_until("\r\n\r\n"); !head.empty(); head = peer.read_until("\r\n\r\n")) {
            peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + head.substr(4, 2));
        }
    });
    Gate gate({origin.address()});
    const std::string response = gate.ask(
        "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n"
        "GET /3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    EXPECT_LT(response.find("\r\n\r\n/1"), response.find("\r\n\r\n/2"));
    EXPECT_LT(response.find("\r\n\r\n/2"), response.find("\r\n\r\n/3"));
    EXPECT_NE(response.find("\r\n\r\n/3"), std::string::npos);
}

TEST_F(Http, ForwardsABodyWithItsLength) {
    std::string seen;
    Origin origin(answer_once(seen, "end", ok));
    Gate gate({origin.address()});
    const std::string body = std::string(100'000, 'x') + "end";
    EXPECT_THAT(gate.ask("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: " +
                         std::to_string(body.size()) + "\r\n\r\n" + body),
                StartsWith("HTTP/1.1 200"));
    EXPECT_THAT(seen, HasSubstr("Content-Length: 100003\r\n"));
    EXPECT_TRUE(seen.ends_with(body));
}

TEST_F(Http, FramesAChunkedRequestAnew) {
    std::string seen;
    Origin origin(answer_once(seen, "0\r\n\r\n", ok));
    Gate gate({origin.address()});
    EXPECT_THAT(gate.ask("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
                         "000003;secret=1\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n"),
                StartsWith("HTTP/1.1 200"));
    EXPECT_TRUE(seen.ends_with("\r\n\r\n3\r\nabc\r\na\r\n0123456789\r\n0\r\n\r\n")) << seen;
}

TEST_F(Http, AnswersAMalformedChunkWith400) {
    Origin origin([](Peer& peer) { peer.read_all(); });
    Gate gate({origin.address()});
    EXPECT_THAT(gate.ask("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
                StartsWith("HTTP/1.1 400"));
}

TEST_F(Http, ChunksAResponseThatEndsWithItsConnection) {
    std::string seen;
    Origin origin(answer_once(seen, "\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\nuntil the end"));
    Gate gate({origin.address()});
    const std::string response = gate.ask(get_close);
    EXPECT_THAT(response, HasSubstr("Transfer-Encoding: chunked\r\n"));
    EXPECT_TRUE(response.ends_with("\r\n\r\nd\r\nuntil the end\r\n0\r\n\r\n")) << response;
}

TEST_F(Http, SendsAnHttp10ClientNoChunks) {
    std::string seen;
    Origin origin(
        answer_once(seen, "\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"));
    Gate gate({origin.address()});
    const std::string response = gate.ask("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
    EXPECT_TRUE(response.ends_with("\r\n\r\nabc")) << response;
    EXPECT_THAT(response, Not(HasSubstr("chunked")));
}

TEST_F(Http, ExpectsNoBodyAfterHead204And304) {
    for (const std::string status : {"204 No Content", "304 Not Modified"}) {
        Origin origin(answer_all("HTTP/1.1 " + status + "\r\n\r\n"));
        Gate gate({origin.address()});
        Peer client = gate.client();
        client.send(get + get);
        EXPECT_THAT(client.read_until("\r\n\r\n"), StartsWith("HTTP/1.1 " + status.substr(0, 3)));
        EXPECT_THAT(client.read_until("\r\n\r\n"), StartsWith("HTTP/1.1 " + status.substr(0, 3)));
    }
    Origin origin(answer_all("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n"));
    Gate gate({origin.address()});
    const std::string response = gate.ask("HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    EXPECT_THAT(response, HasSubstr("Content-Length: 7\r\n"));
    EXPECT_TRUE(response.ends_with("\r\n\r\n"));
}

TEST_F(Http, PassesOn100ContinueBeforeTheBody) {
    Origin origin([](Peer& peer) {
        EXPECT_THAT(peer.read_until("\r\n\r\n"), HasSubstr("Expect: 100-continue"));
        peer.send("HTTP/1.1 100 Continue\r\n\r\n");
        EXPECT_EQ(peer.read_bytes(4), "body");
        peer.send(ok);
        peer.read_all();
    });
    Gate gate({origin.address()});
    Peer client = gate.client();
    client.send("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("body");
    EXPECT_THAT(client.read_until("hi"), StartsWith("HTTP/1.1 200"));
}

TEST_F(Http, ClosesAfterAnAnswerThatCameBeforeTheBodyWasOver) {
    std::string seen;
    Origin origin(answer_once(seen, "\r\n\r\n", "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno"));
    Gate gate({origin.address()});
    Peer client = gate.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nbeginning");
    const std::string response = client.read_until("no");
    EXPECT_THAT(response, StartsWith("HTTP/1.1 413"));
    EXPECT_THAT(response, HasSubstr("Connection: close\r\n"));
    EXPECT_EQ(client.read_all(), "");
}

TEST_F(Http, GoesToTheNextBackendWhenOneRefusesTheConnection) {
    Origin origin(answer_all(ok));
    Gate gate({nobody(), origin.address(), nobody()});
    Peer client = gate.client();
    for (int i = 0; i < 6; ++i) {
        client.send(get);
        EXPECT_THAT(client.read_until("\r\n\r\nhi"), StartsWith("HTTP/1.1 200"));
    }
}

TEST_F(Http, SendsARequestAgainAfterItsKeptConnectionHadClosed) {
    std::atomic<bool> first{true};
    Origin origin([&first](Peer& peer) {
        peer.read_until("\r\n\r\n");
        peer.send(ok);
        if (first.exchange(false)) {
            peer.read_until("\r\n\r\n");  // takes the second request and closes
            return;
        }
        while (!peer.read_until("\r\n\r\n").empty()) {
            peer.send(ok);
        }
    });
    Gate gate({origin.address()});
    Peer client = gate.client();
    client.send(get);
    client.read_until("\r\n\r\nhi");
    client.send(get);
    EXPECT_THAT(client.read_until("\r\n\r\nhi"), StartsWith("HTTP/1.1 200"));
    EXPECT_EQ(origin.connections(), 2);
}

TEST_F(Http, NeverSendsAPostTwice) {
    std::atomic<int> posts{0};
    Origin origin([&posts](Peer& peer) {
        peer.read_until("\r\n\r\n");
        peer.send(ok);
        if (!peer.read_until("\r\n\r\n").empty()) {
            ++posts;
        }
    });
    Gate gate({origin.address()});
    Peer client = gate.client();
    client.send(get);
    client.read_until("\r\n\r\nhi");
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    EXPECT_THAT(client.read_until("\r\n\r\n"), StartsWith("HTTP/1.1 502"));
    EXPECT_EQ(posts, 1);
}

TEST_F(Http, ShowsTheMaintenancePageWhenNoBackendIsLeft) {
    Gate gate({nobody()}, Mode::http, [](Snapshot& snapshot) {
        snapshot.page = "<h1>soon</h1>";
        snapshot.retry_after = 42;
    });
    const std::string response = gate.ask(get_close);
    EXPECT_THAT(response, StartsWith("HTTP/1.1 503 "));
    EXPECT_THAT(response, HasSubstr("Server: gatehouse\r\n"));
    EXPECT_THAT(response, HasSubstr("Retry-After: 42\r\n"));
    EXPECT_THAT(response, HasSubstr("Cache-Control: no-store\r\n"));
    EXPECT_TRUE(response.ends_with("\r\n\r\n<h1>soon</h1>"));
    EXPECT_THAT(gate.ask("GET / HTTP/1.1\r\nHost: a\r\nAccept: application/json\r\nConnection: close\r\n\r\n"),
                HasSubstr(R"({"status":503,"error":"maintenance")"));
    const std::string head = gate.ask("HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    EXPECT_THAT(head, HasSubstr("Content-Length: 13\r\n"));
    EXPECT_TRUE(head.ends_with("\r\n\r\n"));
}

// The number behind "Retry-After: "; -1 where there is none.
long retry_after_of(const std::string& response) {
    const auto at = response.find("\r\nRetry-After: ");
    return at == std::string::npos ? -1 : std::strtol(response.c_str() + at + 15, nullptr, 10);
}

TEST_F(Http, TheAnnouncedEndStandsInAPageOfAnyLanguageAndInRetryAfter) {
    Gate gate({nobody()}, Mode::http, [](Snapshot& snapshot) {
        snapshot.page = "<p>Wieder da: {{until}} ({{until_utc}}) {{message}}</p>";
        snapshot.retry_after = 42;
    });
    const auto show = [&gate](std::chrono::seconds left) {
        const auto ends = base::wall_now() + left;
        gate.administer({{}, {{"app", "{{until}}", base::print_time(ends), "2026-12-24 06:00 CET", ends}}, {}});
        return gate.ask(get_close);
    };
    std::string response = show(std::chrono::minutes(30));
    EXPECT_THAT(response, HasSubstr("<p>Wieder da: 2026-12-24 06:00 CET (20"));
    EXPECT_THAT(response, HasSubstr("Z) {{until}}</p>")) << "what an operator says is no placeholder";
    EXPECT_LE(retry_after_of(response), 1800);
    EXPECT_GE(retry_after_of(response), 1700);
    EXPECT_EQ(retry_after_of(show(std::chrono::hours(48))), 24 * 3600) << "and at most a day";
    EXPECT_EQ(retry_after_of(show(std::chrono::seconds(-5))), 42) << "an end that has passed says nothing";
    gate.administer({{}, {{"app", ""}}, {}});
    response = gate.ask(get_close);
    EXPECT_EQ(retry_after_of(response), 42);
    EXPECT_TRUE(response.ends_with("<p>Wieder da:  () </p>"));
    gate.administer({});
    EXPECT_EQ(retry_after_of(gate.ask(get_close)), 42);
}

TEST_F(Http, TheBuiltInPageSaysTheEndOnlyWhereThereIsOne) {
    Gate gate({nobody()}, Mode::http, [](Snapshot& snapshot) { snapshot.page.clear(); });
    gate.administer({{}, {{"app", "", "2099-07-01T12:30:00Z", "2099-07-01 14:30 CEST", base::wall_now()}}, {}});
    EXPECT_THAT(gate.ask(get_close), HasSubstr("<p>Expected back: <time datetime=\"2099-07-01T12:30:00Z\">"
                                               "2099-07-01 14:30 CEST</time></p>"));
    gate.administer({});
    EXPECT_THAT(gate.ask(get_close), Not(AnyOf(HasSubstr("Expected"), HasSubstr("{{"))));
}

TEST_F(Http, NeverChoosesAFencedBackendAndClosesItsIdleConnections) {
    std::atomic<int> ended{0};
    const auto counting = [&ended](Peer& peer) {
        while (!peer.read_until("\r\n\r\n").empty()) {
            peer.send(ok);
        }
        ++ended;
    };
    Origin one(counting);
    Origin two(answer_all(ok));
    Gate gate({one.address(), two.address()});
    Peer client = gate.client();
    for (int i = 0; i < 4; ++i) {
        client.send(get);
        client.read_until("\r\n\r\nhi");
    }
    gate.fence({"web1"});
    EXPECT_TRUE(eventually([&] { return ended == 1; })) << "the idle connection was not closed";
    const int before = one.connections();
    for (int i = 0; i < 4; ++i) {
        client.send(get);
        EXPECT_THAT(client.read_until("\r\n\r\nhi"), StartsWith("HTTP/1.1 200"));
    }
    EXPECT_EQ(one.connections(), before);
    gate.fence({"web1", "web2"});
    client.send(get);
    EXPECT_THAT(client.read_until("</html>"), StartsWith("HTTP/1.1 503"));
    gate.fence({});
    client.send(get);
    EXPECT_THAT(client.read_until("hi"), HasSubstr("HTTP/1.1 200"));
}

TEST_F(Http, LetsAnExchangeInFlightEndWhenItsBackendIsFenced) {
    std::promise<void> fenced;
    Origin origin([&fenced](Peer& peer) {
        peer.read_until("\r\n\r\n");
        fenced.get_future().wait();
        peer.send(ok);
        EXPECT_EQ(peer.read_all(), "<reset>") << "and its connection is not kept, nor its port";
    });
    Gate gate({origin.address()});
    Peer client = gate.client();
    client.send(get);
    while (gate.server().report().backends[0].active == 0) {
    }
    gate.fence({"web1"});
    fenced.set_value();
    EXPECT_THAT(client.read_until("\r\n\r\nhi"), StartsWith("HTTP/1.1 200"));
}

TEST_F(Http, RelaysBytesBothWaysAfterAnUpgrade) {
    Origin origin([](Peer& peer) {
        EXPECT_THAT(peer.read_until("\r\n\r\n"), HasSubstr("Upgrade: websocket\r\n"));
        peer.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nfirst");
        EXPECT_EQ(peer.read_bytes(4), "ping");
        peer.send("pong");
        peer.read_all();
    });
    Gate gate({origin.address()});
    Peer client = gate.client();
    client.send("GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    EXPECT_THAT(client.read_until("\r\n\r\n"), HasSubstr("101 Switching Protocols"));
    EXPECT_EQ(client.read_bytes(5), "first");
    client.send("ping");
    EXPECT_EQ(client.read_bytes(4), "pong");
    client.end();
    EXPECT_EQ(client.read_all(), "");
}

TEST_F(Http, SendsEachHostAndPathToThePoolOfItsRoute) {
    Origin app(answer_all("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\napp"));
    Origin api(answer_all("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\napi"));
    Gate gate({app.address()}, Mode::http, [&](Snapshot& snapshot) {
        PoolSpec pool;
        pool.name = "api";
        pool.backends.push_back({{}, "api1", api.address()});
        snapshot.pools.push_back(pool);
        snapshot.listeners[0].routes = {{"", "/api", "api"}, {"api.example.org", "", "api"}, {"", "/lost", "nowhere"}};
    });
    gate.server().set_health("api", "api1", api.address(), true);
    Peer client = gate.client();
    const auto ask = [&client](const std::string& target, const std::string& host) {
        client.send("GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
        client.read_until("\r\n\r\n");
        return client.read_bytes(3);
    };
    EXPECT_EQ(ask("/", "a"), "app");
    EXPECT_EQ(ask("/api?x=/", "a"), "api");
    EXPECT_EQ(ask("/apis", "a"), "app");
    EXPECT_EQ(ask("/?x=/api", "a"), "app");
    EXPECT_EQ(ask("/", "API.example.org:8080"), "api");
    EXPECT_EQ(ask("http://api.example.org/x", "api.example.org"), "api");
    EXPECT_THAT(gate.ask("GET /lost HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), StartsWith("HTTP/1.1 503"));
}

TEST_F(Http, RefusesAProtocolSwitchThatWasNotAskedFor) {
    std::string seen;
    Origin origin(answer_once(seen, "\r\n\r\n", "HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"));
    Gate gate({origin.address()});
    EXPECT_THAT(gate.ask(get_close), StartsWith("HTTP/1.1 502"));
}

// Otherwise the tunnel has another protocol than the client asked for, and than a filter in front expects.
TEST_F(Http, RefusesAProtocolSwitchToAnotherThanWasAskedFor) {
    std::string seen;
    for (const auto& [to, status] : {std::pair("h2c", "HTTP/1.1 502"), std::pair("chat", "HTTP/1.1 502"),
                                     std::pair("WebSocket", "HTTP/1.1 101")}) {
        Origin origin(answer_once(seen, "\r\n\r\n",
                                  "HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: " + std::string(to) + "\r\n\r\n"));
        Gate gate({origin.address()});
        EXPECT_THAT(gate.ask("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
                    StartsWith(status))
            << to;
    }
}

}  // namespace
}  // namespace core::proxy::testing
