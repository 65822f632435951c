// What the parser derives from a head. What it accepts and refuses is in tests/conformance.
#include "core/http/parser.hpp"

#include <gtest/gtest.h>

#include <string>

#include "core/http/target.hpp"
#include "tests/core/http/parsed.hpp"

namespace core::http {
namespace {

TEST(RequestParser, ConsumesTheHeadAndLeavesTheBody) {
    RequestHead head;
    const std::string_view bytes = "POST /a?b HTTP/1.1\r\nHost: a:81\r\nContent-Length: 3\r\n\r\nabc";
    const ParseResult result = parse_request(bytes, {}, head);
    ASSERT_TRUE(result.complete());
    EXPECT_EQ(bytes.substr(result.consumed), "abc");
    EXPECT_EQ(head.method, "POST");
    EXPECT_EQ(head.target, "/a?b");
    EXPECT_EQ(head.path, "/a");
    EXPECT_EQ(head.query, "?b");
    EXPECT_EQ(head.authority, "a:81");
    EXPECT_EQ(head.host, "a");
    EXPECT_EQ(head.port, 81);
    EXPECT_EQ(head.minor, 1);
    EXPECT_EQ(head.framing, (Framing{Framing::Kind::length, 3}));
    EXPECT_TRUE(head.keep_alive);
    ASSERT_EQ(head.fields.size(), 2U);
    EXPECT_EQ(head.fields.find("host")->value, "a:81");
}

TEST(RequestParser, LeavesNothingBehindFromTheHeadBefore) {
    RequestHead head;
    ASSERT_TRUE(
        parse_request("POST /a?b HTTP/1.1\r\nHost: a:81\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n", {}, head)
            .complete());
    EXPECT_TRUE(head.expect_continue);
    ASSERT_TRUE(parse_request("GET / HTTP/1.0\r\n\r\n", {}, head).complete());
    EXPECT_FALSE(head.expect_continue);
    EXPECT_FALSE(head.keep_alive);
    EXPECT_EQ(head.host, "");
    EXPECT_EQ(head.port, 0);
    EXPECT_EQ(head.query, "");
    EXPECT_TRUE(head.framing.empty());
    EXPECT_EQ(head.fields.size(), 0U);
}

TEST(RequestParser, ExpectContinueMeansNothingWithoutABody) {
    EXPECT_FALSE(request("GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n").expect_continue);
    EXPECT_FALSE(request("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n").expect_continue);
    EXPECT_TRUE(request("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n")
                    .expect_continue);
}

TEST(RequestParser, RefusesWhatIsBadAsSoonAsItIsThere) {
    RequestHead head;
    EXPECT_EQ(parse_request("\x16\x03", {}, head).status, 400);
    EXPECT_EQ(parse_request("GET / HTTP/1.1\n", {}, head).status, 400);
    EXPECT_EQ(parse_request("GET / HTTP/2.0\r", {}, head).status, 505);
    EXPECT_EQ(parse_request("GET / HTTP/1.1\r\nA b", {}, head).status, 400);
}

TEST(RequestParser, HoldsIncompleteHeadsToTheLimits) {
    Limits limits;
    limits.head = 100;
    limits.request_line = 40;
    RequestHead head;
    EXPECT_EQ(parse_request("GET /" + std::string(50, 'a'), limits, head).status, 414);
    EXPECT_EQ(parse_request("GET / HTTP/1.1\r\nA: " + std::string(100, 'a'), limits, head).status, 431);
    const std::string first = "GET / HTTP/1.1\r\nA: ";
    EXPECT_EQ(parse_request(first + std::string(80, 'a'), limits, head).verdict, ParseResult::Verdict::incomplete);
    EXPECT_EQ(parse_request(first + std::string(81, 'a'), limits, head, 99).status, 431);
    limits.fields = 1;
    EXPECT_EQ(parse_request("GET / HTTP/1.1\r\nA: b\r\nC", limits, head).status, 431);
}

TEST(RequestParser, ParsesAgainOnlyWhereALineHasEnded) {
    const std::string bytes = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    RequestHead head;
    for (std::size_t there = 1; there < bytes.size(); ++there) {
        const ParseResult result = parse_request(std::string_view(bytes).substr(0, there), {}, head, there - 1);
        EXPECT_EQ(result.verdict, ParseResult::Verdict::incomplete) << there;
    }
    EXPECT_TRUE(parse_request(bytes, {}, head, bytes.size() - 1).complete());
    // seen says that all of it was found incomplete before, and the parser relies on that: it does not look again.
    EXPECT_EQ(parse_request(bytes, {}, head, bytes.size()).verdict, ParseResult::Verdict::incomplete);
}

TEST(RequestParser, KnowsWhichMethodsMayBeRepeated) {
    EXPECT_TRUE(request("GET / HTTP/1.1\r\nHost: a\r\n\r\n").is_idempotent());
    EXPECT_TRUE(request("DELETE / HTTP/1.1\r\nHost: a\r\n\r\n").is_idempotent());
    EXPECT_FALSE(request("POST / HTTP/1.1\r\nHost: a\r\n\r\n").is_idempotent());
    EXPECT_FALSE(request("get / HTTP/1.1\r\nHost: a\r\n\r\n").is_idempotent());
    EXPECT_TRUE(request("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n").is_head());
}

TEST(ResponseParser, TellsInterimFromFinal) {
    EXPECT_TRUE(response("HTTP/1.1 103 Early Hints\r\n\r\n").is_interim());
    EXPECT_FALSE(response("HTTP/1.1 200 OK\r\n\r\n").is_interim());
    const ResponseHead switched = response("HTTP/1.1 101 Go\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
    EXPECT_FALSE(switched.is_interim());
    EXPECT_FALSE(switched.keep_alive);
    EXPECT_EQ(switched.upgrade, "websocket");
}

TEST(ResponseParser, FramesByStatusMethodAndFields) {
    using Kind = Framing::Kind;
    EXPECT_EQ(response("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n").framing, (Framing{Kind::length, 7}));
    EXPECT_EQ(response("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", "HEAD").framing.kind, Kind::none);
    EXPECT_EQ(response("HTTP/1.1 304 Same\r\nContent-Length: 7\r\n\r\n").framing.kind, Kind::none);
    EXPECT_EQ(response("HTTP/1.1 200 OK\r\n\r\n").framing.kind, Kind::until_close);
    EXPECT_FALSE(response("HTTP/1.1 200 OK\r\n\r\n").keep_alive);
    EXPECT_TRUE(response("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").keep_alive);
}

TEST(Authority, SplitsHostAndPort) {
    Authority authority;
    ASSERT_TRUE(parse_authority("[2001:db8::1]:8080", authority));
    EXPECT_EQ(authority.host, "[2001:db8::1]");
    EXPECT_EQ(authority.port, 8080);
    ASSERT_TRUE(parse_authority("a.example", authority));
    EXPECT_EQ(authority.port, 0);
    EXPECT_FALSE(parse_authority("", authority));
    EXPECT_FALSE(parse_authority("a:99999", authority));
}

}  // namespace
}  // namespace core::http
