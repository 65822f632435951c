// What the writer's options change. The plain cases are in tests/conformance.
#include "core/http/writer.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/http/date.hpp"
#include "core/http/parser.hpp"
#include "core/http/status.hpp"
#include "tests/core/http/parsed.hpp"

namespace core::http {
namespace {

RequestOptions request_options() {
    RequestOptions options;
    options.origin.client = "2001:db8::7";
    options.host_fallback = "10.0.0.11:80";
    return options;
}

std::string write(const RequestHead& head, const RequestOptions& options) {
    std::string out(4096, '\0');
    out.resize(write_request(head, options, out));
    return out;
}

std::string write(const ResponseHead& head, const ResponseOptions& options) {
    std::string out(4096, '\0');
    out.resize(write_response(head, options, out));
    return out;
}

TEST(RequestWriter, AppendsToWhatATrustedPeerSaysInOneField) {
    RequestOptions options = request_options();
    options.origin.peer = Origin::Peer::trusted;
    options.origin.proto = "https";
    const RequestHead head = request(
        "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.9\r\nX-Forwarded-Proto: https\r\n"
        "X-Forwarded-Host: b\r\nx-forwarded-for: 10.0.0.1, 10.0.0.2\r\nVia: 1.1 c\r\nX-Forwarded-For:\r\n\r\n");
    EXPECT_EQ(write(head, options),
              "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-Host: b\r\nVia: 1.1 c\r\n"
              "X-Forwarded-For: 192.0.2.9, 10.0.0.1, 10.0.0.2, 2001:db8::7\r\nX-Forwarded-Proto: https\r\n\r\n");
}

TEST(RequestWriter, TakesOneCookieOutAndLeavesTheOthersByteForByte) {
    const std::pair<const char*, const char*> cases[] = {
        {"a=1; gh=2; b=3", "Cookie: a=1; b=3\r\n"},
        {"gh=2; a=1", "Cookie: a=1\r\n"},
        {"a=1; gh=2", "Cookie: a=1\r\n"},
        {"a=1;b=2 ; gh=2;  c=\"x y\"; ;d", "Cookie: a=1;b=2 ;  c=\"x y\"; ;d\r\n"},
        {"gh=2", ""},
        {"gh=2; gh=3", ""},
        {"GH=2; ghx=3; xgh=4; gh", "Cookie: GH=2; ghx=3; xgh=4; gh\r\n"},
        {"a=gh=2", "Cookie: a=gh=2\r\n"},
        {"gh =2; a=1", "Cookie: a=1\r\n"},
    };
    RequestOptions options = request_options();
    options.cookie_taken = "gh";
    for (const auto& [given, wanted] : cases) {
        const std::string bytes = "GET / HTTP/1.1\r\nHost: a\r\nCookie: " + std::string(given) + "\r\n\r\n";
        const std::string out = write(request(bytes), options);
        EXPECT_EQ(out.substr(25, out.find("X-Forwarded-For") - 25), wanted) << given;
    }
    const std::string two = "GET / HTTP/1.1\r\nHost: a\r\nCookie: gh=1\r\nCookie: b=2\r\n\r\n";
    EXPECT_NE(write(request(two), options).find("Host: a\r\nCookie: b=2\r\nX-"), std::string::npos);
}

TEST(RequestWriter, NeverPassesUnsafeFieldsOnNotEvenFromATrustedPeer) {
    RequestOptions options = request_options();
    options.origin.peer = Origin::Peer::trusted;
    const std::string out =
        write(request("GET / HTTP/1.1\r\nHost: a\r\nProxy: x\r\nX_Forwarded_For: y\r\n\r\n"), options);
    EXPECT_EQ(out.find("Proxy"), std::string::npos);
    EXPECT_EQ(out.find("X_"), std::string::npos);
}

TEST(RequestWriter, TellsTheProtocolThatTheClientUsed) {
    RequestOptions options = request_options();
    options.origin.proto = "https";
    EXPECT_NE(write(request("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), options).find("X-Forwarded-Proto: https\r\n"),
              std::string::npos);
}

TEST(RequestWriter, SaysWhereARequestCameFromInForwardedAndViaWhereAsked) {
    RequestOptions options = request_options();
    options.origin.forwarded = true;
    options.origin.via = true;
    const std::string lie = "Forwarded: for=10.0.0.1\r\nVia: 1.0 liar\r\n";
    EXPECT_EQ(write(request("GET / HTTP/1.1\r\nHost: a:80\r\n" + lie + "\r\n"), options),
              "GET / HTTP/1.1\r\nHost: a:80\r\nX-Forwarded-For: 2001:db8::7\r\nX-Forwarded-Proto: http\r\n"
              "Forwarded: for=\"[2001:db8::7]\";host=\"a:80\";proto=http\r\nVia: 1.1 gatehouse\r\n\r\n");
    options.origin.client = "192.0.2.1";
    options.origin.peer = Origin::Peer::trusted;
    EXPECT_EQ(write(request("GET / HTTP/1.0\r\n" + lie + "\r\n"), options),
              "GET / HTTP/1.1\r\nHost: 10.0.0.11:80\r\n" + lie +
                  "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: http\r\n"
                  "Forwarded: for=192.0.2.1;proto=http\r\nVia: 1.0 gatehouse\r\n\r\n");
}

TEST(RequestWriter, ForwardedAndXForwardedProtoSayTheSameWhateverTheFieldsSaid) {
    RequestOptions options = request_options();
    options.origin.forwarded = true;
    options.origin.client = "192.0.2.1";
    options.origin.proto = "https";
    for (const char* spoken : {"X-Forwarded-Proto: http\r\n", "Forwarded: for=10.0.0.1;proto=http\r\n", ""}) {
        for (const auto peer : {Origin::Peer::trusted, Origin::Peer::untrusted}) {
            options.origin.peer = peer;
            const std::string text = std::string("GET / HTTP/1.1\r\nHost: a\r\n") + spoken + "\r\n";
            const std::string written = write(request(text), options);
            EXPECT_NE(
                written.find("\r\nX-Forwarded-Proto: https\r\nForwarded: for=192.0.2.1;host=\"a\";proto=https\r\n"),
                std::string::npos)
                << written;
            EXPECT_EQ(written.find("X-Forwarded-Proto: http\r\n"), std::string::npos);
        }
    }
}

TEST(RequestWriter, SetsHostAndTellsTheClientsOwnOnce) {
    RequestOptions options = request_options();
    options.host = "app.internal";
    const std::string plain = write(request("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-Host: b\r\n\r\n"), options);
    EXPECT_NE(plain.find("\r\nHost: app.internal\r\n"), std::string::npos);
    EXPECT_NE(plain.find("\r\nX-Forwarded-Host: a\r\n"), std::string::npos);
    EXPECT_EQ(plain.find("X-Forwarded-Host: b"), std::string::npos);
    options.origin.peer = Origin::Peer::trusted;
    const std::string kept = write(request("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-Host: b\r\n\r\n"), options);
    EXPECT_NE(kept.find("\r\nX-Forwarded-Host: b\r\n"), std::string::npos);
    EXPECT_EQ(kept.find("X-Forwarded-Host: a"), std::string::npos);
}

TEST(RequestWriter, PutsItsRequestIdInThePlaceOfAnyOther) {
    const RequestHead head = request("GET / HTTP/1.1\r\nHost: a\r\nX-Request-ID: theirs\r\n\r\n");
    RequestOptions options = request_options();
    EXPECT_NE(write(head, options).find("X-Request-ID: theirs\r\n"), std::string::npos);
    options.request_id = "ours";
    EXPECT_EQ(write(head, options).find("theirs"), std::string::npos);
    EXPECT_NE(write(head, options).find("\r\nX-Request-Id: ours\r\n"), std::string::npos);
}

TEST(RequestWriter, NeverGrowsByMoreThanItSaysWhateverHostTheClientSends) {
    RequestOptions options = request_options();
    options.origin.forwarded = options.origin.via = true;
    options.origin.client = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
    const std::string id(64, 'i');
    const std::string host(host_max, 'h');
    options.request_id = id;
    options.host = host;
    for (const std::size_t size : {host_max, host_max + 1, std::size_t{8'000}}) {
        const std::string bytes = "GET / HTTP/1.1\r\nHost: " + std::string(size, 'a') + "\r\n\r\n";
        std::vector<char> out(bytes.size() + growth_max);
        EXPECT_NE(write_request(request(bytes), options, out), 0U) << size;
    }
}

TEST(RequestWriter, ForwardsExpectOnlyWhenAsked) {
    const RequestHead head = request("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n");
    RequestOptions options = request_options();
    EXPECT_EQ(write(head, options).find("Expect"), std::string::npos);
    options.expect = RequestOptions::Expect::forward;
    EXPECT_NE(write(head, options).find("Expect: 100-continue\r\n"), std::string::npos);
}

TEST(RequestWriter, ClosesTheBackendConnectionWhenAsked) {
    RequestOptions options = request_options();
    options.persistence = Persistence::close;
    EXPECT_NE(write(request("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), options).find("Connection: close\r\n"),
              std::string::npos);
}

TEST(RequestWriter, SaysZeroForEveryBufferThatIsTooSmall) {
    const RequestHead head = request("PUT /a HTTP/1.1\r\nHost: a\r\nB: c\r\nContent-Length: 10\r\n\r\n");
    const std::size_t size = write(head, request_options()).size();
    for (std::size_t room = 0; room < size; ++room) {
        std::vector<char> buffer(room);
        EXPECT_EQ(write_request(head, request_options(), buffer), 0U) << room;
    }
    std::vector<char> buffer(size);
    EXPECT_EQ(write_request(head, request_options(), buffer), size);
}

TEST(ResponseWriter, AddsADateOnlyWhereThereIsNoneAndTheResponseIsFinal) {
    ResponseOptions options;
    options.framing = {Framing::Kind::length, 0};
    options.date = "Sun, 06 Nov 1994 08:49:37 GMT";
    const std::string line = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
    EXPECT_NE(write(response("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), options).find(line), std::string::npos);
    EXPECT_EQ(write(response("HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: 0\r\n\r\n"), options).find(line),
              std::string::npos);
    options.framing = {};
    EXPECT_EQ(write(response("HTTP/1.1 103 Hints\r\n\r\n"), options), "HTTP/1.1 103 Hints\r\n\r\n");
}

TEST(ResponseWriter, SaysWhatBecomesOfTheConnection) {
    const ResponseHead head = response("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    ResponseOptions options;
    options.framing = head.framing;
    options.persistence = Persistence::close;
    EXPECT_NE(write(head, options).find("Connection: close\r\n"), std::string::npos);
    options.persistence = Persistence::keep_alive;
    EXPECT_NE(write(head, options).find("Connection: keep-alive\r\n"), std::string::npos);
}

TEST(ResponseWriter, NamesUpgradeAndCloseInOneConnectionField) {
    const ResponseHead head =
        response("HTTP/1.1 426 Upgrade\r\nConnection: upgrade\r\nUpgrade: x\r\nContent-Length: 0\r\n\r\n");
    ResponseOptions options;
    options.framing = head.framing;
    options.persistence = Persistence::close;
    EXPECT_NE(write(head, options).find("Connection: upgrade, close\r\n"), std::string::npos);
}

TEST(ResponseWriter, ABodyUntilCloseOnAConnectionThatStaysIsOurBug) {
    const ResponseHead head = response("HTTP/1.1 200 OK\r\n\r\n");
    ResponseOptions options;
    options.framing = framing_towards(0, head);
    EXPECT_DEATH(write(head, options), "until_close");
}

TEST(ResponseWriter, KeepsTheConnectionOfAnOldClientByName) {
    EXPECT_EQ(staying_open(request("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")), Persistence::keep_alive);
    EXPECT_EQ(staying_open(request("GET / HTTP/1.1\r\nHost: a\r\n\r\n")), Persistence::implied);
}

TEST(AnswerWriter, WritesAWholeHead) {
    const Field extra[] = {{"Retry-After", "120"}, {"Cache-Control", "no-store"}};
    Answer answer;
    answer.status = 503;
    answer.date = "Sun, 06 Nov 1994 08:49:37 GMT";
    answer.content_type = "text/plain";
    answer.content_length = 5;
    answer.extra = extra;
    std::string out(1024, '\0');
    out.resize(write_answer(answer, out));
    EXPECT_EQ(out,
              "HTTP/1.1 503 Service Unavailable\r\nServer: gatehouse\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
              "Content-Type: text/plain\r\nContent-Length: 5\r\nRetry-After: 120\r\nCache-Control: no-store\r\n"
              "Connection: close\r\n\r\n");
    EXPECT_TRUE([&] {
        ResponseHead head;
        return parse_response(out, {}, "GET", head).complete();
    }());
}

TEST(ChunkWriter, WritesHexadecimalWithoutNoughts) {
    std::array<char, chunk_line_max> line{};
    EXPECT_EQ(std::string_view(line.data(), write_chunk_line(0x1a2f, line)), "1a2f\r\n");
    EXPECT_EQ(std::string_view(line.data(), write_chunk_line(~std::uint64_t{0}, line)), "ffffffffffffffff\r\n");
}

TEST(ChunkWriter, AnEmptyChunkWouldEndTheBodyAndIsOurBug) {
    std::array<char, chunk_line_max> line{};
    EXPECT_DEATH(static_cast<void>(write_chunk_line(0, line)), "size > 0");
}

TEST(Status, SetsAreReadAndWrittenAlike) {
    using Texts = std::vector<std::string>;
    for (const Texts& members : {Texts{"200"}, Texts{"2xx"}, Texts{"200", "204", "3xx"}, Texts(1, "599")}) {
        const auto set = StatusSet::parse(members);
        ASSERT_TRUE(set.has_value());
        EXPECT_EQ(set->members(), members);
    }
    EXPECT_EQ(StatusSet().text(), "200");
    EXPECT_EQ(StatusSet::parse({"200", "204", "3xx"})->text(), "200, 204 or 3xx");
    Texts many;
    for (int status = 200; many.size() < StatusSet::members_max; ++status) {
        many.push_back(std::to_string(status));
    }
    EXPECT_TRUE(StatusSet::parse(many).has_value());
    many.push_back("300");
    EXPECT_FALSE(StatusSet::parse(many).has_value());
    for (const Texts& wrong : {Texts{}, Texts{"199"}, Texts{"600"}, Texts{"1xx"}, Texts{"6xx"}, Texts{"2x"},
                               Texts{"2XX"}, Texts{"0200"}, Texts{""}, Texts{"200", "200"}, Texts{"+20"}}) {
        EXPECT_FALSE(StatusSet::parse(wrong).has_value()) << (wrong.empty() ? "none" : wrong[0]);
    }
}

TEST(Status, NamesCodesAndAdmitsUnknownOnes) {
    EXPECT_EQ(reason_phrase(431), "Request Header Fields Too Large");
    EXPECT_EQ(reason_phrase(100), "Continue");
    EXPECT_EQ(reason_phrase(511), "Network Authentication Required");
    EXPECT_EQ(reason_phrase(299), "Unknown");
    EXPECT_EQ(reason_phrase(999), "Unknown");
}

TEST(Date, IsPrintedAsRfc9110WantsIt) {
    using std::chrono::sys_seconds;
    EXPECT_EQ(view(print_date(sys_seconds(std::chrono::seconds(784111777)))), "Sun, 06 Nov 1994 08:49:37 GMT");
    EXPECT_EQ(view(print_date(sys_seconds(std::chrono::seconds(0)))), "Thu, 01 Jan 1970 00:00:00 GMT");
    EXPECT_EQ(view(print_date(sys_seconds(std::chrono::seconds(1709251199)))), "Thu, 29 Feb 2024 23:59:59 GMT");
}

}  // namespace
}  // namespace core::http
