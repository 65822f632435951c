// The affinity cookie, through a real worker: which clients get one, to which backend it leads, when it is renewed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/core/proxy/gate.hpp"

namespace core::proxy::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class Affinity : public RingTest {
protected:
    static std::function<void(Peer&)> answer(std::string name) {
        return answer_all("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + name);
    }
    static void with_cookie(Snapshot& snapshot) { snapshot.pools[0].cookie = "stay"; }

    std::string ask(const std::string& cookies = "") {
        return gate_.ask("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" +
                         (cookies.empty() ? "" : "Cookie: " + cookies + "\r\n") + "\r\n");
    }
    // "stay=..." of an answer; "" where it sets none.
    static std::string cookie_in(const std::string& answer) {
        const std::size_t at = answer.find("Set-Cookie: ");
        return at == std::string::npos ? "" : answer.substr(at + 12, answer.find(';', at) - at - 12);
    }

    Origin a_{answer("a")};
    Origin b_{answer("b")};
    Gate gate_{{a_.address(), b_.address()}, Mode::http, with_cookie};
};

TEST_F(Affinity, KeepsAClientOnTheServerThatItFirstMet) {
    const std::string first = ask();
    const std::string cookie = cookie_in(first);
    EXPECT_EQ(cookie.size(), std::string("stay=").size() + 16);
    EXPECT_THAT(first, HasSubstr("; Path=/; HttpOnly; SameSite=Lax\r\nCache-Control: private\r\n"));
    for (int i = 0; i < 10; ++i) {
        const std::string answer = ask("x=y; " + cookie);
        EXPECT_EQ(answer.back(), first.back());
        EXPECT_EQ(cookie_in(answer), "") << "it has it already";
        EXPECT_THAT(answer, Not(HasSubstr("Cache-Control")));
    }
}

TEST_F(Affinity, IsForSecureConnectionsOfAllSitesWhereTheVisitorCameByHttps) {
    const std::string https = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Forwarded-Proto: https\r\n\r\n";
    EXPECT_THAT(gate_.ask(https), HasSubstr("; HttpOnly; SameSite=Lax\r\n")) << "any client may claim https";
    Gate behind({a_.address()}, Mode::http, [](Snapshot& s) {
        with_cookie(s);
        s.listeners[0].trusted = {*Network::parse("127.0.0.0/8")};
    });
    EXPECT_THAT(behind.ask(https),
                HasSubstr("; Path=/; HttpOnly; Secure; SameSite=None\r\nCache-Control: private\r\n"));
}

TEST_F(Affinity, ItsCookieAloneIsNotToldToServers) {
    std::string seen;
    Origin origin(answer_once(seen, "\r\n\r\n", ok));
    Gate gate({origin.address()}, Mode::http, with_cookie);
    static_cast<void>(
        gate.ask("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nCookie: a=1; stay=2;  b=\"3\"\r\n\r\n"));
    EXPECT_THAT(seen, HasSubstr("\r\nCookie: a=1;  b=\"3\"\r\n"));
    EXPECT_THAT(seen, Not(HasSubstr("stay")));
}

TEST_F(Affinity, BalancesClientsWithoutOrWithAnUnknownOne) {
    EXPECT_NE(ask().back(), ask().back());
    const std::string one = ask("stay=0123456789abcdef");
    const std::string other = ask("stay=");
    EXPECT_NE(one.back(), other.back());
    EXPECT_NE(cookie_in(one), "");
    EXPECT_NE(cookie_in(one), cookie_in(other));
}

TEST_F(Affinity, MovesAClientOfAFencedServerAndKeepsItThere) {
    const std::string first = ask();
    const std::string name = first.back() == 'a' ? "web1" : "web2";
    gate_.fence({name});
    const std::string moved = ask(cookie_in(first));
    EXPECT_THAT(moved, StartsWith("HTTP/1.1 200"));
    EXPECT_NE(moved.back(), first.back());
    gate_.fence({});
    for (int i = 0; i < 4; ++i) {
        EXPECT_EQ(ask(cookie_in(moved)).back(), moved.back());
    }
}

TEST_F(Affinity, SurvivesAReload) {
    const std::string first = ask();
    gate_.reload({a_.address(), b_.address()});
    for (int i = 0; i < 4; ++i) {
        EXPECT_EQ(ask(cookie_in(first)).back(), first.back());
    }
}

TEST_F(Affinity, IsNotAddedToOurOwnAnswers) {
    gate_.fence({"web1", "web2"});
    const std::string page = ask();
    EXPECT_THAT(page, StartsWith("HTTP/1.1 503"));
    EXPECT_EQ(cookie_in(page), "");
}

TEST_F(Affinity, LeavesAServerThatRefusesTheConnection) {
    std::string first = ask();
    while (first.back() != 'a') {
        first = ask();
    }
    gate_.reload({nobody(), b_.address()});
    const std::string moved = ask(cookie_in(first));
    EXPECT_THAT(moved, StartsWith("HTTP/1.1 200"));
    EXPECT_EQ(moved.back(), 'b');
    EXPECT_NE(cookie_in(moved), "") << "the next request need not try in vain";
}

}  // namespace
}  // namespace core::proxy::testing
