// What is recorded of refused bytes: in the log's line, and the last of each listener and server.
#include "core/proxy/stats/refusal.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/core/proxy/gate.hpp"

namespace core::proxy::testing {
namespace {

using ::testing::HasSubstr;

class Refused : public RingTest {};

TEST_F(Refused, ARequestStandsInTheLogAndAmongTheLastOfItsListener) {
    Origin origin(answer_all(ok));
    Gate gate({origin.address()});
    static_cast<void>(gate.ask("\r\nGET /caf\x01 HTTP/1.1\r\nHost: a\r\n\r\n"));
    static_cast<void>(gate.ask("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"));
    const std::vector<Refusal> last = gate.server().refusals();
    ASSERT_EQ(last.size(), 2U);
    EXPECT_FALSE(last[0].listener.empty());
    EXPECT_EQ(last[0].line, "GET /caf\\x01 HTTP/1.1");
    EXPECT_EQ(last[0].offset, 10U);
    EXPECT_EQ(last[0].byte, 1U);
    EXPECT_EQ(last[0].status, 400);
    EXPECT_EQ(last[1].field, "Host");
    EXPECT_EQ(last[1].offset, 25U);
    EXPECT_EQ(last[1].reason, "more than one Host");
    static_cast<void>(gate.server().drain(Milliseconds(1000)));
    gate.end_log();
    EXPECT_THAT(gate.log(), HasSubstr(R"("refused":{"line":"GET /caf\\x01 HTTP/1.1","offset":10,"byte":"0x01"})"));
    EXPECT_THAT(gate.log(), HasSubstr(R"("offset":25,"byte":"0x48","field":"Host"})"));
}

TEST_F(Refused, AnAnswerStandsAmongTheLastOfItsServer) {
    Origin origin(answer_all("HTTP/1.1 200 OK\nA: b\nTransfer-Encoding: gzip\n\n"));
    Gate gate({origin.address()});
    static_cast<void>(gate.ask(get_close));
    const std::vector<Refusal> last = gate.server().refusals();
    ASSERT_EQ(last.size(), 1U);
    EXPECT_EQ(last[0].listener, "");
    EXPECT_EQ(last[0].pool, "app");
    EXPECT_EQ(last[0].line, "HTTP/1.1 200 OK");
    EXPECT_EQ(last[0].field, "Transfer-Encoding");
    EXPECT_EQ(last[0].offset, 21U) << "in what the server sent, not in what was made of it";
    EXPECT_EQ(last[0].status, 502);
}

TEST_F(Refused, ABodyStandsThereWithItsRequestAndWhy) {
    Origin origin([](Peer& peer) {
        const bool asked = peer.read_until("\r\n\r\n").starts_with("GET");
        if (asked) {
            peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n");
            peer.send("zz\r\n");
        }
        peer.read_all();
    });
    Gate gate({origin.address()});
    EXPECT_THAT(gate.ask("PUT /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2 \r\nhi\r\n0\r\n\r\n"),
                HasSubstr("white space after a chunk size"));
    static_cast<void>(gate.ask(get_close));
    std::vector<Refusal> last = gate.server().refusals();
    ASSERT_EQ(last.size(), 2U);
    if (last[0].listener.empty()) {
        std::swap(last[0], last[1]);  // both in one millisecond
    }
    EXPECT_EQ(last[0].line, "PUT /a");
    EXPECT_EQ(last[0].reason, "white space after a chunk size");
    EXPECT_EQ(last[0].status, 400);
    EXPECT_FALSE(last[0].offset.has_value());
    EXPECT_EQ(last[1].server, "web1");
    EXPECT_EQ(last[1].line, "GET /");
    EXPECT_EQ(last[1].reason, "a chunk size that is not hexadecimal");
    EXPECT_EQ(last[1].status, 200);
}

TEST(Refusals, KeepTheLastEightOfEach) {
    Refusals one;
    Refusals other;
    for (int i = 0; i < 20; ++i) {
        const WallTime at{std::chrono::seconds(i)};
        (i % 2 == 0 ? one : other).add({.at = at, .listener = "web", .status = i});
        one.add({.at = at, .pool = "app", .server = "web1", .status = 100 + i});
    }
    EXPECT_EQ(one.all().size(), 2 * Refusals::kept_max);
    std::vector<Refusal> all = one.all();
    const std::vector<Refusal> more = other.all();
    all.insert(all.end(), more.begin(), more.end());
    const std::vector<Refusal> last = last_of(std::move(all));
    ASSERT_EQ(last.size(), 2 * Refusals::kept_max);
    EXPECT_EQ(last.front().at, WallTime(std::chrono::seconds(12)));
    EXPECT_EQ(last.back().at, WallTime(std::chrono::seconds(19)));
}

TEST(Refusals, ShowAtMost256BytesOfALine) {
    Refusal refusal;
    const std::string bytes = std::string(300, 'a') + "\r\n";
    describe(refusal, bytes, {.verdict = http::ParseResult::Verdict::bad, .offset = 400});
    EXPECT_EQ(refusal.line, std::string(256, 'a'));
    EXPECT_FALSE(refusal.byte.has_value());
    EXPECT_EQ(print(refusal), "{\"line\":\"" + refusal.line + "\",\"offset\":400}");
}

}  // namespace
}  // namespace core::proxy::testing
