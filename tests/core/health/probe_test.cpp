#include "core/health/probe.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "tests/core/health/probe_fixture.hpp"

namespace core::health::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST_F(Probe, PassesOnTheExpectedStatus) {
    const Verdict verdict = ask(answer({200}));
    EXPECT_TRUE(verdict.passed) << verdict.why;
    EXPECT_EQ(verdict.why, "200");
    Check check;
    check.expect = http::StatusSet(404);
    EXPECT_TRUE(ask(answer({404}), check).passed);
    EXPECT_EQ(ask(answer({200}), check).why, "200 instead of 404");
}

TEST_F(Probe, BeginsWithAProxyHeaderThatNamesNoClientWhereTheServerWantsOne) {
    Check check;
    for (const auto& [version, header] :
         {std::pair(net::ProxyVersion::v1, std::string("PROXY UNKNOWN\r\n")),
          std::pair(net::ProxyVersion::v2, std::string("\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", 16))}) {
        check.proxy_header = version;
        std::string seen;
        const Verdict verdict = ask(
            [&seen, size = header.size()](Visit& visit, int) {
                seen = visit.read_head();
                if (seen.size() < size) {
                    seen += visit.read_head();  // the second version's signature has an empty line of its own
                }
                visit.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
                visit.wait_for_end();
            },
            check);
        EXPECT_TRUE(verdict.passed) << verdict.why;
        EXPECT_THAT(seen, StartsWith(header + "HEAD / HTTP/1.1\r\n"));
    }
}

TEST_F(Probe, FailsOnAnyOtherStatusAndNamesBoth) {
    for (const int status : {204, 206, 301, 302, 404, 500, 503}) {
        const Verdict verdict = ask(answer({status}));
        EXPECT_FALSE(verdict.passed);
        EXPECT_EQ(verdict.why, std::to_string(status) + " instead of 200");
    }
}

TEST_F(Probe, SaysWhatToDoWhereTheServerRefusesHead) {
    for (const int status : {405, 501}) {
        EXPECT_EQ(
            ask(answer({status})).why,
            std::to_string(status) + " instead of 200: the server refuses HEAD; set method = \"GET\" in its check");
    }
    Check check;
    check.method = "GET";
    EXPECT_EQ(ask(answer({405}), check).why, "405 instead of 200");
}

TEST_F(Probe, SendsTheCheckAsConfigured) {
    std::string head;
    Check check;
    check.method = "GET";
    check.path = "/health?deep=1";
    check.host = "www.example.org";
    const auto script = [&](Visit& visit, int) {
        head = visit.read_head();
        visit.say("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
        visit.wait_for_end();
    };
    EXPECT_TRUE(ask(script, check).passed);
    EXPECT_THAT(head, StartsWith("GET /health?deep=1 HTTP/1.1\r\n"));
    EXPECT_THAT(head, HasSubstr("\r\nHost: www.example.org\r\n"));
    EXPECT_THAT(head, HasSubstr("\r\nConnection: close\r\n"));
}

TEST_F(Probe, AsksByHeadForTheRootAtTheBackendsOwnAddressByDefault) {
    for (const bool v6 : {false, true}) {
        std::string head;
        Address address;
        {
            Backend backend(
                [&](Visit& visit, int) {
                    head = visit.read_head();
                    visit.say("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
                },
                v6);
            address = backend.address();
            const Verdict verdict = ask(address);
            EXPECT_TRUE(verdict.passed) << verdict.why;
        }
        EXPECT_THAT(head, StartsWith("HEAD / HTTP/1.1\r\nHost: " + address.text() + "\r\n"));
    }
}

TEST_F(Probe, DoesNotWaitForABody) {
    Check check;
    check.method = "GET";
    EXPECT_TRUE(ask(say("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nbeginning"), check).passed);
    EXPECT_TRUE(ask(say("HTTP/1.0 200 OK\r\n\r\n"), check).passed);
}

TEST_F(Probe, TakesAHeadThatComesInPieces) {
    const auto script = [](Visit& visit, int) {
        visit.read_head();
        for (const char c : std::string("HTTP/1.1 200 OK\r\nServer: slow\r\nContent-Length: 0\r\n\r\n")) {
            visit.say(std::string_view(&c, 1));
        }
        visit.wait_for_end();
    };
    EXPECT_TRUE(ask(script).passed);
}

TEST_F(Probe, SkipsInterimAnswers) {
    const std::string interim = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
    EXPECT_TRUE(ask(say(interim + interim + "HTTP/1.1 200 OK\r\n\r\n")).passed);
    EXPECT_EQ(ask(say(interim + "HTTP/1.1 503 No\r\n\r\n")).why, "503 instead of 200");
    EXPECT_EQ(ask(say(interim, true)).why, "answer cut short");
    std::string flood;
    while (flood.size() < 20'000) {
        flood += interim;
    }
    EXPECT_THAT(ask(say(flood)).why, HasSubstr("longer than 16384 bytes"));
}

TEST_F(Probe, TakesTheOddAnswersThatVisitorsTake) {
    for (const char* bytes :
         {"HTTP/1.1 200 OK\nContent-Length: 0\n\n", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
          "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\nX: a\r\n b\r\n\r\n"}) {
        const Verdict verdict = ask(say(bytes));
        EXPECT_TRUE(verdict.passed) << bytes << verdict.why;
    }
    EXPECT_THAT(ask(say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n")).why,
                HasSubstr("Transfer-Encoding"));
}

TEST_F(Probe, TakesHeadsAsLongAsVisitorsTake) {
    const auto answer = [](std::size_t size) {
        const std::string before = "HTTP/1.1 200 OK\r\nX: ";
        return before + std::string(size - before.size() - 4, 'x') + "\r\n\r\n";
    };
    EXPECT_TRUE(ask(say(answer(16'384))).passed);
    EXPECT_THAT(ask(say(answer(16'385))).why, HasSubstr("the head is too large"));
    const http::Limits wide{.head = 65'536};
    EXPECT_TRUE(ask(Backend(say(answer(65'536))), wide).passed);
    EXPECT_THAT(ask(Backend(say(answer(65'537))), wide).why, HasSubstr("the head is too large"));
}

TEST_F(Probe, FailsOnAnAnswerThatIsNoHttp) {
    for (const char* bytes :
         {"SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 banana\r\n\r\n", "HTTP/1.1 200 OK\r\n bad\r\n\r\n"}) {
        const Verdict verdict = ask(say(bytes));
        EXPECT_FALSE(verdict.passed) << bytes;
        EXPECT_THAT(verdict.why, StartsWith("not a valid HTTP answer: ")) << bytes;
    }
}

TEST_F(Probe, FailsOnAHeadWithoutEnd) {
    EXPECT_FALSE(ask(say("HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'x'))).passed);
}

TEST_F(Probe, TellsAnEndWithoutAnAnswerFromOneCutShort) {
    EXPECT_EQ(ask(say("", true)).why, "connection ended without an answer");
    EXPECT_EQ(ask(say("HTTP/1.1 200 OK\r\nContent-", true)).why, "answer cut short");
}

TEST_F(Probe, NamesAReset) {
    const auto script = [](Visit& visit, int) {
        visit.read_head();
        visit.reset();
    };
    EXPECT_EQ(ask(script).why, "connection reset");
}

TEST_F(Probe, NamesARefusal) {
    Address nobody;
    tests::listen_on_loopback(nobody).reset();
    Check tcp;
    tcp.type = CheckType::tcp;
    for (const Check& check : {Check{}, tcp}) {
        const Verdict verdict = ask(nobody, check);
        EXPECT_FALSE(verdict.passed);
        EXPECT_EQ(verdict.why, "connect refused");
    }
}

TEST_F(Probe, TimesOutOnASilentServer) {
    Check check;
    check.timeout = Milliseconds(50);
    const io::Tick begun = loop_->now();  // the start of the deadline
    const Verdict verdict = ask(say(""), check);
    EXPECT_FALSE(verdict.passed);
    EXPECT_EQ(verdict.why, "timeout after 50ms");
    EXPECT_GE(loop_->now() - begun, 50U);
}

TEST_F(Probe, TimesOutOnAHeadThatDribbles) {
    Check check;
    check.timeout = Milliseconds(50);
    EXPECT_EQ(ask(say("HTTP/1.1 200 OK\r\n"), check).why, "timeout after 50ms");
}

TEST_F(Probe, TimesOutOnAConnectThatHangs) {
    Address address;
    const base::Descriptor full = tests::listen_on_loopback(address, false, 0);
    std::vector<base::Descriptor> waiting;
    for (int i = 0; i < 4; ++i) {
        waiting.push_back(*net::open_socket(AF_INET));
        sockaddr_storage storage{};
        const socklen_t size = address.fill(storage);
        ::connect(waiting.back().get(), reinterpret_cast<sockaddr*>(&storage), size);
    }
    Check check;
    check.type = CheckType::tcp;
    check.timeout = Milliseconds(50);
    EXPECT_EQ(ask(address, check).why, "timeout after 50ms");
}

TEST_F(Probe, PassesATcpCheckOnceConnected) {
    Check check;
    check.type = CheckType::tcp;
    std::string head = "none";
    {
        Backend backend([&](Visit& visit, int) { head = visit.read_head(); });
        const Verdict verdict = ask(backend.address(), check);
        EXPECT_TRUE(verdict.passed);
        EXPECT_EQ(verdict.why, "connected");
        ASSERT_TRUE(backend.visits().wait(1));  // it may be accepted only after the probe has closed
    }
    EXPECT_EQ(head, "") << "a TCP check sends nothing";
}

TEST_F(Probe, LeavesTheSocketFitForTheNextOneWhateverHappened) {
    Backend backend([](Visit& visit, int number) {
        visit.read_head();
        switch (number) {
            case 1:
                visit.say("HTTP/1.1 200 OK\r\n\r\n");
                break;
            case 2:
                visit.reset();
                return;
            case 3:
                visit.end();
                return;
            case 4:
                break;
            case 5:
                visit.say("garbage\r\n\r\n");
                break;
            default:
                visit.say("HTTP/1.1 200 OK\r\n\r\n");
                break;
        }
        visit.wait_for_end();
    });
    Check check;
    const base::Descriptor fd = *net::open_socket(AF_INET);
    EXPECT_EQ(ask(fd, backend.address()).why, "200");
    EXPECT_EQ(ask(fd, backend.address()).why, "connection reset");
    EXPECT_EQ(ask(fd, backend.address()).why, "connection ended without an answer");
    check.timeout = Milliseconds(50);
    EXPECT_EQ(ask(fd, backend.address(), check).why, "timeout after 50ms");
    EXPECT_THAT(ask(fd, backend.address()).why, StartsWith("not a valid"));
    Address nobody;
    tests::listen_on_loopback(nobody).reset();
    EXPECT_EQ(ask(fd, nobody).why, "connect refused");
    EXPECT_EQ(ask(fd, backend.address()).why, "200");
}

TEST_F(Probe, KeepsTheMarkOfItsSocket) {
    const base::Descriptor fd = *net::open_socket(AF_INET);
    int mark = 0x6748;
    if (::setsockopt(fd.get(), SOL_SOCKET, SO_MARK, &mark, sizeof mark) != 0) {
        GTEST_SKIP() << "marking a socket needs CAP_NET_ADMIN (run as root)";
    }
    Backend backend(answer({200}));
    for (int i = 0; i < 3; ++i) {
        EXPECT_TRUE(ask(fd, backend.address()).passed);
        socklen_t size = sizeof mark;
        mark = 0;
        ::getsockopt(fd.get(), SOL_SOCKET, SO_MARK, &mark, &size);
        EXPECT_EQ(mark, 0x6748);
    }
}

TEST_F(Probe, EndsAtOnceWhenItsSocketIsAborted) {
    Backend backend(say(""));
    net::Socket socket(*loop_, *net::open_socket(AF_INET));
    Check check;
    check.timeout = Milliseconds(3'600'000);
    Verdict verdict;
    io::TaskGroup group;
    group.start(whole(socket, check, backend.address(), verdict));
    while (backend.visits().value() == 0) {
        loop_->run_once(10);
    }
    socket.abort();
    loop_->run_until([&] { return group.empty(); });
    EXPECT_FALSE(verdict.passed);
}

}  // namespace
}  // namespace core::health::testing
