// The visitor behind other balancers, and the scheme: one result for all uses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/core/proxy/gate.hpp"

namespace core::proxy::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

using Change = std::function<void(Snapshot&)>;

class Visitor : public RingTest {
protected:
    // A balancer at 127.0.0.1; with a PROXY header or without.
    static Change behind(
        bool header, const Change& more = [](Snapshot&) {}) {
        return [=](Snapshot& snapshot) {
            snapshot.listeners[0].trusted = {*Network::parse("127.0.0.0/8"), *Network::parse("10.0.0.0/8")};
            snapshot.listeners[0].proxy_protocol = header;
            more(snapshot);
        };
    }
    static std::string with(const std::string& fields, const std::string& target = "/") {
        return "GET " + target + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + fields + "\r\n";
    }
    // The head that a server gets for these bytes of a client.
    static std::string told(const std::string& bytes, const Change& change) {
        std::string seen;
        Origin origin(answer_once(seen, "\r\n\r\n", ok));
        Gate gate({origin.address()}, Mode::http, change);
        EXPECT_THAT(gate.ask(bytes), StartsWith("HTTP/1.1 200")) << bytes;
        return seen;
    }
    // A PROXY header, version 2, of 203.0.113.9 with PP2_TYPE_SSL; client: its first byte.
    static std::string tls_header(char client) {
        return std::string("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x14", 16) +
               std::string("\xcb\0\x71\x09\xc6\x33\x64\x02", 8) + std::string("\x04\x57\x01\xbb", 4) +
               std::string("\x20\0\x05", 3) + client + std::string(4, '\0');
    }
};

const std::string https = "X-Forwarded-Proto: https\r\n";
const std::string named = "PROXY TCP4 203.0.113.9 10.0.0.1 5000 443\r\n";

TEST_F(Visitor, CameByTheSchemeThatTheSenderSays) {
    EXPECT_THAT(told(named + with(https), behind(true)), HasSubstr(https))
        << "the sender's word counts, not the named client's";
    EXPECT_THAT(told(with("X-Forwarded-Proto: https, http\r\n"), behind(false)), HasSubstr(https));
    EXPECT_THAT(told(with("X-Forwarded-Proto: \"https\"\r\n"), behind(false)), HasSubstr(https));
    EXPECT_THAT(told(tls_header('\x01') + with(""), behind(true)), HasSubstr(https));
    EXPECT_THAT(told(tls_header('\0') + with(https), behind(true)), HasSubstr("X-Forwarded-Proto: http\r\n"))
        << "the PROXY header speaks of the connection itself";
    EXPECT_THAT(told(with("", "https://a/x"), behind(false)),
                AllOf(StartsWith("GET /x HTTP/1.1\r\n"), HasSubstr("Host: a\r\n"), HasSubstr(https)));
}

TEST_F(Visitor, CameByTheSchemeOfTheListenerWhereNoOtherIsNamed) {
    const auto secure = [](Snapshot& snapshot) { snapshot.listeners[0].https = true; };
    EXPECT_THAT(told(with(""), secure), HasSubstr(https));
    EXPECT_THAT(told(with("X-Forwarded-Proto: http\r\n"), secure), HasSubstr(https)) << "of a stranger";
    EXPECT_THAT(told(with("X-Forwarded-Proto: http\r\n"), behind(false, secure)),
                HasSubstr("X-Forwarded-Proto: http\r\n"));
    EXPECT_THAT(told(with("", "https://a/x"), secure), HasSubstr(https));
}

TEST_F(Visitor, OfAStrangerIsNotBelieved) {
    EXPECT_THAT(told(with(https + "X-Forwarded-For: 203.0.113.9\r\n"), [](Snapshot&) {}),
                AllOf(HasSubstr("X-Forwarded-Proto: http\r\n"), Not(HasSubstr("203.0.113.9"))));
    Origin origin(answer_all(ok));
    Gate gate({origin.address()});
    EXPECT_THAT(gate.ask(with("", "https://a/x")), StartsWith("HTTP/1.1 400"));
    gate.end_log();
    EXPECT_THAT(gate.log(), HasSubstr("an https target, and nobody trusted sent it"));
    EXPECT_EQ(origin.connections(), 0);
}

TEST_F(Visitor, ChoosesTheServerByItsAddress) {
    Origin one(answer_all(ok));
    Origin two(answer_all(ok));
    Origin three(answer_all(ok));
    Gate gate({one.address(), two.address(), three.address()}, Mode::http, behind(false, [](Snapshot& snapshot) {
                  snapshot.pools[0].balance = balance::Balance::source_hash;
                  snapshot.pools[0].cookie = "s";
              }));
    std::map<std::string, int> shares;
    for (int number = 0; number < 60; ++number) {
        std::set<std::string> seen;
        for (int again = 0; again < 2; ++again) {
            const std::string answer = gate.ask(with("X-Forwarded-For: 203.0.113." + std::to_string(number) + ":" +
                                                     std::to_string(again + 1) + "\r\n"));
            const auto at = answer.find("Set-Cookie: s=");
            ASSERT_NE(at, std::string::npos) << answer;
            seen.insert(answer.substr(at, answer.find(';', at) - at));
        }
        ASSERT_EQ(seen.size(), 1U) << "one visitor, one server, whatever the port";
        ++shares[*seen.begin()];
    }
    ASSERT_EQ(shares.size(), 3U);
    for (const auto& [server, share] : shares) {
        EXPECT_GE(share, 8) << server;
    }
}

TEST_F(Visitor, IsInTheLogAndSoIsThePeer) {
    Origin origin(answer_all(ok));
    Gate gate({origin.address()}, Mode::http, behind(false));
    Peer client = gate.client();
    client.send("GET /first HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.9, 10.0.0.1\r\n\r\n");
    EXPECT_THAT(client.read_until("hi"), StartsWith("HTTP/1.1 200"));
    client.send("GET /second HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_THAT(client.read_until("hi"), StartsWith("HTTP/1.1 200"));
    client.send("nonsense\r\n\r\n");
    EXPECT_THAT(client.read_all(), StartsWith("HTTP/1.1 400"));
    gate.end_log();
    const std::string log = gate.log();
    const std::size_t second = log.find('\n');
    const std::string first = log.substr(0, second);
    EXPECT_THAT(first, AllOf(HasSubstr(R"("client":"203.0.113.9",)"), HasSubstr(R"("peer":"127.0.0.1:)")));
    EXPECT_THAT(log.substr(second),
                AllOf(HasSubstr(R"("client":"127.0.0.1:)"), Not(HasSubstr("\"peer\"")), Not(HasSubstr("203.0.113.9"))));
}

TEST_F(Visitor, SeesTheSiteBehindThePageByItsOwnAddress) {
    Origin origin(answer_all(ok));
    Administration administration;
    administration.maintenance.push_back({"app", "Moving house", ""});
    const auto bypass = [](Snapshot& snapshot) { snapshot.bypass.networks = {*Network::parse("203.0.113.0/24")}; };
    Gate gate({origin.address()}, Mode::http, behind(false, bypass));
    gate.administer(administration);
    EXPECT_THAT(gate.ask(with("X-Forwarded-For: 203.0.113.9\r\n")), StartsWith("HTTP/1.1 200"));
    EXPECT_THAT(gate.ask(with("X-Forwarded-For: 203.0.113.9, 198.51.100.1\r\n")), StartsWith("HTTP/1.1 503"))
        << "what a visitor wrote itself";
    EXPECT_THAT(gate.ask(with("X-Forwarded-For: 203.0.113.9, unknown\r\n")), StartsWith("HTTP/1.1 503"));
    EXPECT_THAT(gate.ask(with("")), StartsWith("HTTP/1.1 503"));
    Gate mapped({origin.address()}, Mode::http, behind(true, bypass));
    mapped.administer(administration);
    EXPECT_THAT(mapped.ask("PROXY TCP6 ::ffff:203.0.113.9 ::ffff:10.0.0.1 5000 443\r\n" + get_close),
                StartsWith("HTTP/1.1 200"));
    Gate open({origin.address()}, Mode::http, bypass);
    open.administer(administration);
    EXPECT_THAT(open.ask(with("X-Forwarded-For: 203.0.113.9\r\n")), StartsWith("HTTP/1.1 503")) << "of a stranger";
}

TEST_F(Visitor, MappedIntoIPv6IsTheIPv4Address) {
    EXPECT_THAT(told("PROXY TCP6 ::ffff:203.0.113.9 ::ffff:10.0.0.1 5000 443\r\n" + get_close, behind(true)),
                HasSubstr("X-Forwarded-For: 203.0.113.9\r\n"));
    EXPECT_THAT(told("PROXY TCP6 ::ffff:10.0.0.9 ::ffff:10.0.0.1 5000 443\r\n" + with("X-Forwarded-For: 192.0.2.1\r\n"),
                     behind(true)),
                HasSubstr("X-Forwarded-For: 192.0.2.1, 10.0.0.9\r\n"))
        << "10.0.0.9 is trusted";
}

// As many requests in flight as another client may have sessions; the requests of one connection belong to many
// visitors.
TEST_F(Visitor, HasItsOwnShareOfWhatABalancerBrings) {
    std::promise<void> promise;
    const std::shared_future<void> released = promise.get_future().share();
    Origin origin([&](Peer& peer) {
        while (peer.read_until("\r\n\r\n").find("/slow") != std::string::npos) {
            released.wait_for(std::chrono::seconds(20));
            peer.send(ok);
        }
        peer.send(ok);
    });
    Gate gate({origin.address()}, Mode::http,
              behind(false, [](Snapshot& snapshot) { snapshot.limits.sessions_per_source = 1; }));
    Peer slow = gate.client();
    slow.send("GET /slow HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n");
    for (int tries = 0; tries < 5'000 && gate.server().report().backends[0].active == 0; ++tries) {
        ::usleep(1'000);
    }
    EXPECT_THAT(gate.ask(with("X-Forwarded-For: 203.0.113.9\r\n")), StartsWith("HTTP/1.1 429"));
    EXPECT_THAT(gate.ask(with("X-Forwarded-For: 203.0.113.10\r\n")), StartsWith("HTTP/1.1 200"));
    EXPECT_THAT(gate.ask(with("")), StartsWith("HTTP/1.1 200")) << "its client is unknown";
    promise.set_value();
    EXPECT_THAT(slow.read_until("hi"), StartsWith("HTTP/1.1 200"));
    slow.send("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n");
    EXPECT_THAT(slow.read_until("hi"), StartsWith("HTTP/1.1 200"));
}

}  // namespace
}  // namespace core::proxy::testing
