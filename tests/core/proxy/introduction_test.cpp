// PROXY headers in and out, and which peers' headers are believed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/core/proxy/gate.hpp"

namespace core::proxy::testing {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

using Introduction = RingTest;

const std::string v1 = "PROXY TCP4 192.0.2.1 198.51.100.2 1111 443\r\n";
const std::string v2 = std::string("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c", 16) + "\xc0\x01\x02\x03\xc6\x33\x64\x02" +
                       std::string("\x04\x57\x01\xbb", 4);
const std::string local = std::string("\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", 16);

std::function<void(Snapshot&)> trusting(const char* network, bool header) {
    return [=](Snapshot& snapshot) {
        snapshot.listeners[0].trusted = {*Network::parse(network)};
        snapshot.listeners[0].proxy_protocol = header;
        snapshot.timeouts.head = Milliseconds(2'000);
    };
}

// What the backend gets, up to the empty line, for these bytes of a client; the proxy answers the client.
std::string forwarded(const std::string& bytes, const std::function<void(Snapshot&)>& change) {
    std::string seen;
    Origin origin(answer_once(seen, "\r\n\r\n", ok));
    Gate gate({origin.address()}, Mode::http, change);
    EXPECT_THAT(gate.ask(bytes), StartsWith("HTTP/1.1 200"));
    return seen;
}

// A client that the proxy refuses gets nothing; the log must say why.
void expect_refusal(const std::string& bytes, const std::function<void(Snapshot&)>& change, const std::string& why) {
    Origin origin(answer_all(ok));
    Gate gate({origin.address()}, Mode::http, change);
    // send(2) reports a reset that came before our send; recv(2) then returns the end alone.
    EXPECT_THAT(gate.ask(bytes), AnyOf("", "<reset>"));
    std::string log;
    for (int i = 0; i < 5'000 && log.find(why) == std::string::npos; ++i) {
        ::usleep(1'000);
        log = gate.log();
    }
    EXPECT_THAT(log, HasSubstr(why));
    EXPECT_EQ(origin.connections(), 0);
}

TEST_F(Introduction, OfATrustedPeerNamesTheClient) {
    const auto change = trusting("127.0.0.0/8", true);
    EXPECT_THAT(forwarded(v1 + get_close, change), HasSubstr("X-Forwarded-For: 192.0.2.1\r\n"));
    EXPECT_THAT(forwarded(v2 + get_close, change), HasSubstr("X-Forwarded-For: 192.1.2.3\r\n"));
    EXPECT_THAT(forwarded(local + get_close, change), HasSubstr("X-Forwarded-For: 127.0.0.1\r\n"));
    EXPECT_THAT(forwarded("PROXY UNKNOWN\r\n" + get_close, change), HasSubstr("X-Forwarded-For: 127.0.0.1\r\n"));
}

TEST_F(Introduction, WithoutAnAddressMakesNoFieldTrusted) {
    const auto change = trusting("127.0.0.0/8", true);
    const std::string claiming =
        "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 10.1.1.1\r\nTrue-Client-IP: 10.1.1.1\r\n"
        "Connection: close\r\n\r\n";
    for (const std::string& unnamed : {local, std::string("PROXY UNKNOWN\r\n")}) {
        EXPECT_THAT(forwarded(unnamed + claiming, change),
                    AllOf(HasSubstr("X-Forwarded-For: 127.0.0.1\r\n"), Not(HasSubstr("10.1.1.1"))));
    }
    EXPECT_THAT(forwarded(claiming, trusting("127.0.0.0/8", false)),
                AllOf(HasSubstr("X-Forwarded-For: 10.1.1.1, 127.0.0.1\r\n"), HasSubstr("True-Client-IP: 10.1.1.1")))
        << "without a PROXY header the peer itself vouches";
}

// Its address stands for many clients: it does not bypass the maintenance page, and no limit for one source counts it.
TEST_F(Introduction, WithoutAnAddressMakesNoClientOfTheBalancer) {
    const auto change = trusting("127.0.0.0/8", true);
    Origin origin(answer_all(ok));
    Gate gate({origin.address()}, Mode::http, [&](Snapshot& snapshot) {
        change(snapshot);
        snapshot.limits.sessions_per_source = 1;
        snapshot.bypass.networks = {*base::Network::parse("127.0.0.0/8")};
    });
    Peer first = gate.client();
    first.send("PROXY UNKNOWN\r\n" + get);
    EXPECT_THAT(first.read_until("\r\n\r\nhi"), StartsWith("HTTP/1.1 200"));
    Peer second = gate.client();
    second.send("PROXY UNKNOWN\r\n" + get);
    EXPECT_THAT(second.read_until("\r\n\r\nhi"), StartsWith("HTTP/1.1 200"));
    Administration administration;
    administration.maintenance.push_back({"app", "Moving house", ""});
    gate.administer(administration);
    EXPECT_THAT(gate.ask("PROXY UNKNOWN\r\n" + get_close), StartsWith("HTTP/1.1 503"));
}

TEST_F(Introduction, MayComeByteByByte) {
    for (const std::string& header : {v1, v2}) {
        Origin origin(answer_all(ok));
        Gate gate({origin.address()}, Mode::http, trusting("127.0.0.1", true));
        Peer client = gate.client();
        for (const char byte : header + get) {
            client.send({&byte, 1});
        }
        EXPECT_THAT(client.read_until("\r\n\r\nhi"), StartsWith("HTTP/1.1 200"));
        client.send(get);
        EXPECT_THAT(client.read_until("\r\n\r\nhi"), StartsWith("HTTP/1.1 200")) << "it stands once in a connection";
    }
}

TEST_F(Introduction, IsTakenFromNoOtherPeer) {
    expect_refusal(v1 + get_close, trusting("10.0.0.0/8", true), "only trusted networks may connect here");
    EXPECT_THAT(forwarded(get_close, trusting("127.0.0.1", false)), StartsWith("GET / "));
    Origin origin(answer_all(ok));
    Gate gate({origin.address()}, Mode::http, trusting("127.0.0.1", false));
    EXPECT_THAT(gate.ask(v1 + get_close), StartsWith("HTTP/1.1 400"))
        << "where no header is wanted it is a bad request";
}

TEST_F(Introduction, IsNotOptional) {
    expect_refusal(get_close, trusting("127.0.0.1", true), "no PROXY header");
    expect_refusal("PROXY TCP4 1 2 3 4\r\n" + get_close, trusting("127.0.0.1", true), "a bad address or port");
    expect_refusal(
        "PROXY TC",
        [](Snapshot& snapshot) {
            trusting("127.0.0.1", true)(snapshot);
            snapshot.timeouts.head = Milliseconds(50);
        },
        "did not come in time");
}

TEST_F(Introduction, IsNoPartOfWhatATcpServerGets) {
    std::string seen;
    Origin origin(answer_once(seen, "hello", "bye"));
    Gate gate({origin.address()}, Mode::tcp, trusting("127.0.0.1", true));
    Peer client = gate.client();
    client.send(v1 + "hello");
    EXPECT_EQ(client.read_bytes(3), "bye");
    client.end();
    client.read_all();
    EXPECT_EQ(seen, "hello");
}

TEST_F(Introduction, DoesNotMakeTheClientTrusted) {
    const std::string lie = "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.9\r\nConnection: close\r\n\r\n";
    EXPECT_THAT(forwarded(v1 + lie, trusting("127.0.0.1", true)), HasSubstr("X-Forwarded-For: 192.0.2.1\r\n"));
    EXPECT_THAT(forwarded(lie, trusting("10.0.0.0/8", false)), HasSubstr("X-Forwarded-For: 127.0.0.1\r\n"));
    EXPECT_THAT(forwarded(lie, trusting("127.0.0.1", false)), HasSubstr("X-Forwarded-For: 203.0.113.9, 127.0.0.1\r\n"));
}

TEST_F(Introduction, NamesEachRequestAnewUnlessATrustedPeerHas) {
    const std::string named = "GET / HTTP/1.1\r\nHost: a\r\nX-Request-Id: abc-1\r\nConnection: close\r\n\r\n";
    const std::string bad = "GET / HTTP/1.1\r\nHost: a\r\nX-Request-Id: a,b\r\nConnection: close\r\n\r\n";
    const auto with = [](const char* network) {
        return [=](Snapshot& snapshot) {
            trusting(network, false)(snapshot);
            snapshot.listeners[0].request_id = true;
        };
    };
    const auto id_of = [](const std::string& head) {
        const std::size_t at = head.find("X-Request-Id: ") + 14;
        return head.substr(at, head.find("\r\n", at) - at);
    };
    EXPECT_EQ(id_of(forwarded(named, with("127.0.0.1"))), "abc-1");
    EXPECT_EQ(id_of(forwarded(bad, with("127.0.0.1"))).size(), 32U);
    EXPECT_EQ(id_of(forwarded(named, with("10.0.0.1"))).size(), 32U);
    EXPECT_EQ(id_of(forwarded(named, trusting("10.0.0.1", false))), "abc-1") << "not our business where not asked for";
    RequestIds one;
    RequestIds two;
    const RequestIds::Text first = one.next();
    EXPECT_NE(first, one.next());
    EXPECT_NE(first, two.next());
    EXPECT_FALSE(good_request_id(""));
    EXPECT_TRUE(good_request_id(std::string(request_id_max, 'x')));
    EXPECT_FALSE(good_request_id(std::string(request_id_max + 1, 'x')));
}

TEST_F(Introduction, SetsTheHostOfThePoolAndKeepsWhatTheClientSent) {
    const std::string head = forwarded(get_close, [](Snapshot& snapshot) {
        snapshot.pools[0].host = "app.internal";
        snapshot.listeners[0].forwarded = true;
    });
    EXPECT_THAT(head, HasSubstr("\r\nHost: app.internal\r\n"));
    EXPECT_THAT(head, HasSubstr("\r\nX-Forwarded-Host: a\r\n"));
    EXPECT_THAT(head, HasSubstr("\r\nForwarded: for=127.0.0.1;host=\"a\";proto=http\r\n"));
}

TEST_F(Introduction, GoesOutBeforeEveryConnectionAndNoConnectionServesTwoClients) {
    std::mutex mutex;
    std::vector<std::string> heads;
    Origin origin([&](Peer& peer) {
        for (std::string head = peer.read_until("\r\n\r\n"); !head.empty(); head = peer.read_until("\r\n\r\n")) {
            const std::lock_guard lock(mutex);
            heads.push_back(head);
            peer.send(ok);
        }
    });
    Gate gate({origin.address()}, Mode::http, [](Snapshot& snapshot) {
        trusting("127.0.0.1", true)(snapshot);
        snapshot.pools[0].proxy_protocol = net::ProxyVersion::v1;
    });
    Peer client = gate.client();
    client.send(v1 + get);
    client.read_until("\r\n\r\nhi");
    client.send(get);
    client.read_until("\r\n\r\nhi");
    EXPECT_EQ(origin.connections(), 2);
    const std::lock_guard lock(mutex);
    ASSERT_EQ(heads.size(), 2U);
    for (const std::string& head : heads) {
        EXPECT_THAT(head, StartsWith(v1 + "GET / HTTP/1.1\r\n"));
        EXPECT_THAT(head.substr(v1.size()), Not(HasSubstr("PROXY")));
    }
}

TEST_F(Introduction, NamesTheClientsOwnAddressesWhereNoBalancerIsInFront) {
    std::string seen;
    Origin origin(answer_once(seen, "hello", "bye"));
    Gate gate({origin.address()}, Mode::tcp,
              [](Snapshot& snapshot) { snapshot.pools[0].proxy_protocol = net::ProxyVersion::v2; });
    Peer client = gate.client();
    client.send("hello");
    EXPECT_EQ(client.read_bytes(3), "bye");
    client.end();
    client.read_all();
    net::ProxyHeader header;
    const net::ProxyParse parse = net::parse_proxy_header(seen, header);
    ASSERT_EQ(parse.verdict, net::ProxyParse::Verdict::complete);
    EXPECT_EQ(header.source, net::local_of(client.fd()));
    EXPECT_EQ(header.destination, gate.address());
    EXPECT_EQ(seen.substr(parse.consumed), "hello");
}

}  // namespace
}  // namespace core::proxy::testing
