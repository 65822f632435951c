// What a check sends, and how it closes: servers log clients that do not close properly, and some block them.
#include <gmock/gmock.h>

#include "tests/core/health/probe_fixture.hpp"

namespace core::health::testing {
namespace {

using ::testing::HasSubstr;

TEST_F(Probe, PartsAsAGoodClientDoes) {
    const std::string many(300'000, 'x');
    Check get;
    get.method = "GET";
    Check tcp;
    tcp.type = CheckType::tcp;
    struct Case {
        std::string answer;
        Check check;
    };
    for (const Case& one :
         {Case{"HTTP/1.1 200 OK\r\n\r\n", {}}, Case{"HTTP/1.1 204 No Content\r\n\r\n", get}, Case{"", tcp},
          Case{"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + many, get},
          Case{"HTTP/1.1 503 Busy\r\nContent-Length: 300000\r\n\r\n" + many, get},
          Case{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n493e0\r\n" + many + "\r\n0\r\n\r\n", get}}) {
        std::string end;
        {
            Backend backend([&](Visit& visit, int) {
                if (!one.answer.empty()) {
                    visit.read_head();
                    visit.say(one.answer);
                }
                end = visit.wait_for_end();
            });
            ask(backend.address(), one.check);
            ASSERT_TRUE(backend.visits().wait(1));
        }
        EXPECT_EQ(end, "FIN") << one.answer.substr(0, 60);
    }
}

// A body that ends with the connection is read to its end; the server closes first.
TEST_F(Probe, ReadsToTheEndOfTheConnectionWhereThatIsTheFraming) {
    Check get;
    get.method = "GET";
    std::size_t left = 300'000;
    const Verdict verdict = ask(
        [&](Visit& visit, int) {
            visit.read_head();
            visit.say("HTTP/1.1 200 OK\r\n\r\n" + std::string(left, 'x'));
            left = 0;
            visit.end();
        },
        get);
    EXPECT_TRUE(verdict.passed) << verdict.why;
    EXPECT_EQ(left, 0U);
}

TEST_F(Probe, ResetsWhatGoesOnAtItsTimeout) {
    Check get;
    get.method = "GET";
    get.timeout = Milliseconds(300);
    std::string end;
    const Verdict verdict = ask(
        [&](Visit& visit, int) {
            visit.read_head();
            visit.say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfive.");
            end = visit.wait_for_end();
        },
        get);
    EXPECT_TRUE(verdict.passed) << "the head is the verdict";
    EXPECT_THAT(end, ::testing::AnyOf("ECONNRESET", "FIN"));
}

TEST_F(Probe, SendsTheFieldsOfItsCheckAndItsOwnWhereThoseNameNone) {
    std::string head;
    const auto keep = [&head](Visit& visit, int) {
        head = visit.read_head();
        visit.say("HTTP/1.1 200 OK\r\n\r\n");
    };
    Check check;
    check.headers = {"X-Forwarded-Proto: https", "X-Empty:"};
    ask(keep, check);
    EXPECT_THAT(head, HasSubstr("\r\nX-Forwarded-Proto: https\r\nX-Empty:\r\nUser-Agent: gatehouse-check\r\n"));
    check.headers = {"user-agent: monitor"};
    ask(keep, check);
    EXPECT_THAT(head, HasSubstr("\r\nuser-agent: monitor\r\nConnection: close\r\n\r\n"));
    EXPECT_EQ(head.find("gatehouse-check"), std::string::npos);
}

TEST_F(Probe, AsksAnotherPortWhereItsCheckHasOne) {
    Backend backend(answer({200}));
    Check check;
    check.port = backend.address().port();
    EXPECT_TRUE(ask(backend.address().with_port(1), check).passed);
    check.port = 1;
    EXPECT_EQ(ask(backend.address(), check).why, "connect refused");
}

TEST_F(Probe, PassesOnAnyOfTheExpectedStatuses) {
    Check check;
    check.expect = *http::StatusSet::parse({"200", "204", "3xx"});
    for (const int status : {200, 204, 300, 399}) {
        EXPECT_TRUE(ask(answer({status}), check).passed) << status;
    }
    for (const int status : {201, 203, 205, 400}) {
        EXPECT_FALSE(ask(answer({status}), check).passed) << status;
    }
    EXPECT_EQ(ask(answer({500}), check).why, "500 instead of 200, 204 or 3xx");
}

}  // namespace
}  // namespace core::health::testing
