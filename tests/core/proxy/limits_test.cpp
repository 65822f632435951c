// What a request may hold, through a real worker: the snapshot's limits, at the limit and one past it.
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

}  // namespace
}  // namespace core::proxy::testing
