#include "appliance/cli/events.hpp"

#include <gtest/gtest.h>

namespace appliance::cli {
namespace {

const std::string stream =
    ": events\n\nid: 7\nevent: fence\ndata: {\"a\":1}\n\n: still here\n\nevent: missed\ndata: {}\n\nid: 9\nevent: "
    "health\ndata:{\"b\":2}\n\n";

std::string read_in_pieces(std::size_t size) {
    EventReader reader;
    std::string seen;
    for (std::size_t at = 0; at < stream.size(); at += size) {
        reader.read(std::string_view(stream).substr(at, size), [&](const std::string& kind, const std::string& data) {
            seen += kind + data + ";";
            return true;
        });
    }
    return seen;
}

TEST(EventReader, ReadsEventsInPiecesOfAnySize) {
    for (std::size_t size = 1; size <= stream.size(); ++size) {
        ASSERT_EQ(read_in_pieces(size), "fence{\"a\":1};missed{};health{\"b\":2};") << size;
    }
}

TEST(EventReader, StopsWhereItIsToldTo) {
    EventReader reader;
    unsigned taken = 0;
    EXPECT_FALSE(reader.read(stream, [&](const std::string&, const std::string&) { return ++taken < 2; }));
    EXPECT_EQ(taken, 2U);
}

TEST(ShowEvent, IsOneLineOfWords) {
    EXPECT_EQ(show_event(R"({"time":"2026-11-22T14:03:05Z","event":"health","pool":"app","why":"a b","fence":null,)"
                         R"("last_ms":3,"list":[1],"nothing":""})"),
              "14:03:05  health      pool app, why a b, last_ms 3\n");
    EXPECT_EQ(show_event("\x1b[2Jno JSON").find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace appliance::cli
