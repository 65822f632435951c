// A request's limits, through a real worker: the snapshot's limits, at the limit and one past it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/core/proxy/gate.hpp"

namespace core::proxy::testing {
namespace {

using ::testing::StartsWith;

class HeadLimits : public RingTest {};

TEST_F(HeadLimits, AreThoseOfTheSnapshotAtTheLimitAndPastIt) {
    Origin origin(answer_all(ok));
    Gate gate({origin.address()}, Mode::http, [](Snapshot& s) {
        s.limits.head = {.head = 1024, .request_line = 200, .fields = 4, .field_name = 256, .method = 32};
        s.limits.chunks.extension = 8;
        s.limits.chunks.trailers = 16;
    });
    const auto line = [](std::size_t length) {
        return "GET /" + std::string(length - 14, 'a') + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    };
    EXPECT_THAT(gate.ask(line(200)), StartsWith("HTTP/1.1 200"));
    EXPECT_THAT(gate.ask(line(201)), StartsWith("HTTP/1.1 414"));
    const auto head = [](std::size_t size) {
        const std::string before = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nx: ";
        return before + std::string(size - before.size() - 4, 'a') + "\r\n\r\n";
    };
    EXPECT_THAT(gate.ask(head(1024)), StartsWith("HTTP/1.1 200"));
    EXPECT_THAT(gate.ask(head(1025)), StartsWith("HTTP/1.1 431"));
    const auto fields = [](std::string_view more) {
        return "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\na: 1\r\nb: 2\r\n" + std::string(more) + "\r\n";
    };
    EXPECT_THAT(gate.ask(fields("")), StartsWith("HTTP/1.1 200"));
    EXPECT_THAT(gate.ask(fields("c: 3\r\n")), StartsWith("HTTP/1.1 431"));
    const auto chunk = [](std::string_view extension, std::string_view trailer) {
        return "PUT / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n1" +
               std::string(extension) + "\r\nx\r\n0\r\n" + std::string(trailer) + "\r\n";
    };
    EXPECT_THAT(gate.ask(chunk(";2=45678", "")), StartsWith("HTTP/1.1 200"));
    EXPECT_THAT(gate.ask(chunk(";2=456789", "")), StartsWith("HTTP/1.1 400"));
    EXPECT_THAT(gate.ask(chunk("", "a: 45678901234\r\n")), StartsWith("HTTP/1.1 200"));
    EXPECT_THAT(gate.ask(chunk("", "a: 456789012345\r\n")), StartsWith("HTTP/1.1 400"));
}

void widest(Snapshot& snapshot) {
    for (http::Limits* limits : {&snapshot.limits.head, &snapshot.limits.answer}) {
        limits->head = http::head_max;
        limits->fields = http::Fields::capacity;
    }
    snapshot.pools[0].backends[0].passive_fall = 1;
}

std::string filled(std::string head, std::size_t size, std::string_view behind) {
    const std::string name = "x: ";
    const std::size_t rest = size - head.size() - name.size() - 4;
    return head + name + std::string(rest, 'a') + "\r\n\r\n" + std::string(behind);
}

std::string many(std::string head, std::size_t fields, std::string_view behind) {
    for (std::size_t i = 0; i < fields; ++i) {
        head += "a:b\r\n";
    }
    return head + "\r\n" + std::string(behind);
}

TEST_F(HeadLimits, ARequestMayHave64KiBAnd500FieldsWhereItIsAllowed) {
    std::string seen;
    Origin origin([&seen](Peer& peer) {
        for (std::string head = peer.read_until("\r\n\r\n"); !head.empty(); head = peer.read_until("\r\n\r\n")) {
            seen = head;
            peer.send(ok);
        }
    });
    Gate gate({origin.address()}, Mode::http, widest);
    const std::string before = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n";
    EXPECT_THAT(gate.ask(filled(before, http::head_max, "")), StartsWith("HTTP/1.1 200"));
    EXPECT_GT(seen.size(), http::head_max - 100);
    EXPECT_THAT(gate.ask(filled(before, http::head_max + 1, "")), StartsWith("HTTP/1.1 431"));
    EXPECT_THAT(gate.ask(many(before, 498, "")), StartsWith("HTTP/1.1 200"));
    EXPECT_THAT(gate.ask(many(before, 499, "")), StartsWith("HTTP/1.1 431"));
}

TEST_F(HeadLimits, ABodyBehindALongHeadReachesTheServerWhole) {
    std::string seen;
    Origin origin([&seen](Peer& peer) {
        peer.read_until("\r\n\r\n");
        seen = peer.read_bytes(100'000);
        peer.send(ok);
        peer.read_all();
    });
    Gate gate({origin.address()}, Mode::http, widest);
    const std::string body(100'000, 'b');
    const std::string before = "PUT / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 100000\r\n";
    EXPECT_THAT(gate.ask(filled(before, 40'000, body)), StartsWith("HTTP/1.1 200"));
    EXPECT_EQ(seen, body);
}

// Answers as the path says: /head/SIZE or /fields/COUNT.
std::function<void(Peer&)> answer_as_asked() {
    return [](Peer& peer) {
        for (std::string head = peer.read_until("\r\n\r\n"); !head.empty(); head = peer.read_until("\r\n\r\n")) {
            const std::string before = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n";
            const auto number = std::stoul(head.substr(head.find('/', 5) + 1));
            peer.send(head.starts_with("GET /head") ? filled(before, number, "hi") : many(before, number - 1, "hi"));
        }
    };
}

std::string ask_for(const Gate& gate, const std::string& path) {
    return gate.ask("GET " + path + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
}

TEST_F(HeadLimits, AnAnswerMayHave64KiBAnd500FieldsWhereItIsAllowed) {
    Origin origin(answer_as_asked());
    Gate gate({origin.address()}, Mode::http, widest);
    EXPECT_GT(ask_for(gate, "/head/65536").size(), http::head_max);
    EXPECT_THAT(ask_for(gate, "/fields/500"), StartsWith("HTTP/1.1 200"));
    EXPECT_THAT(ask_for(gate, "/head/65537"), StartsWith("HTTP/1.1 502"));
    EXPECT_THAT(ask_for(gate, "/fields/501"), StartsWith("HTTP/1.1 502"));
    EXPECT_THAT(ask_for(gate, "/head/100"), StartsWith("HTTP/1.1 200"));
}

TEST_F(HeadLimits, AnAnswerBeyondALimitOfOursIsNoFailureOfTheServer) {
    Origin origin(answer_as_asked());
    Gate gate({origin.address()}, Mode::http, [](Snapshot& s) { s.pools[0].backends[0].passive_fall = 1; });
    EXPECT_THAT(ask_for(gate, "/head/16384"), StartsWith("HTTP/1.1 200"));
    EXPECT_THAT(ask_for(gate, "/head/16385"), StartsWith("HTTP/1.1 502"));
    EXPECT_THAT(ask_for(gate, "/fields/101"), StartsWith("HTTP/1.1 502"));
    EXPECT_THAT(ask_for(gate, "/fields/100"), StartsWith("HTTP/1.1 200"));
    EXPECT_EQ(gate.server().report().backends.at(0).failed, 0U);
}

TEST(WideInboxesOfAWorker, AreSoManyAndNotOneMore) {
    WideInboxes wide;
    for (std::uint32_t i = 0; i < WideInboxes::most; ++i) {
        ASSERT_TRUE(wide.take());
    }
    EXPECT_FALSE(wide.take());
    wide.give_back();
    EXPECT_TRUE(wide.take());
}

TEST_F(HeadLimits, ALongHeadTakesNoWideMemoryUnlessItIsAllowed) {
    auto loop = io::Loop::create({});
    ASSERT_TRUE(loop);
    auto [ours, theirs] = tests::socket_pair();
    net::Socket socket(**loop, std::move(ours));
    WideInboxes wide;
    {
        Inbox inbox(socket);
        ASSERT_TRUE(inbox.widen(wide, 64 * 1024));
        EXPECT_EQ(wide.count(), 1U);
        EXPECT_FALSE(inbox.full());
    }
    EXPECT_EQ(wide.count(), 0U);
}

}  // namespace
}  // namespace core::proxy::testing
