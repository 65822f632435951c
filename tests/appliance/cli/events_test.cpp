#include "appliance/cli/views/event.hpp"

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

TEST(ShowEvent, IsOneLineOfWordsWithItsDate) {
    EXPECT_EQ(show_event(R"({"time":"2026-11-22T14:03:05Z","event":"health","pool":"app","why":"a b","fence":null,)"
                         R"("last_ms":3,"list":[1],"nothing":""})",
                         {}),
              "2026-11-22 14:03:05  health      pool app, why a b, last_ms 3\n");
    EXPECT_EQ(show_event("\x1b[2Jno JSON", {}).find('\x1b'), std::string::npos);
}

TEST(ShowEvent, SaysNothingOfPacketsThatNeverCame) {
    const std::string fence =
        R"({"time":"2026-11-22T14:03:05Z","event":"fence","server":"web1","packets":0,"bytes":0})";
    EXPECT_EQ(show_event(fence, {}), "2026-11-22 14:03:05  fence       server web1\n");
    EXPECT_EQ(show_event(R"({"time":"2026-11-22T14:03:05Z","event":"fence","packets":1})", {}),
              "2026-11-22 14:03:05  fence       packets 1\n");
}

TEST(ShowEvent, BreaksBetweenWordsOnATerminalAndNowhereElse) {
    const std::string event = R"({"time":"2026-11-22T14:03:05Z","event":"health","why":"connect refused by a server"})";
    EXPECT_EQ(show_event(event, {.width = 50}),
              "2026-11-22 14:03:05  health      why connect\n  refused by a server\n");
    EXPECT_EQ(show_event(event, {.width = Style::unlimited}),
              "2026-11-22 14:03:05  health      why connect refused by a server\n");
}

}  // namespace
}  // namespace appliance::cli
