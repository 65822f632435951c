#include "core/http/chunked.hpp"

#include <gtest/gtest.h>

#include <string>

namespace core::http {
namespace {

using StepKind = ChunkParser::Step::Kind;

TEST(ChunkParser, YieldsViewsIntoTheInputThenTheEndAndLeavesTheRest) {
    ChunkParser parser;
    const std::string bytes = "3\r\nabc\r\n0\r\n\r\nGET";
    std::string_view input = bytes;
    const auto data = parser.next(input);
    ASSERT_EQ(data.kind, StepKind::data);
    EXPECT_EQ(data.data, "abc");
    EXPECT_EQ(data.data.data(), bytes.data() + 3);
    EXPECT_EQ(parser.next(input).kind, StepKind::end);
    EXPECT_EQ(input, "GET");
    EXPECT_TRUE(parser.ended());
    EXPECT_EQ(parser.next(input).kind, StepKind::end);
    EXPECT_EQ(input, "GET");
}

TEST(ChunkParser, AsksForMoreWhenTheInputEnds) {
    ChunkParser parser;
    std::string_view input = "5\r\nab";
    EXPECT_EQ(parser.next(input).data, "ab");
    EXPECT_EQ(parser.next(input).kind, StepKind::more);
    input = "cde\r";
    EXPECT_EQ(parser.next(input).data, "cde");
    EXPECT_EQ(parser.next(input).kind, StepKind::more);
    EXPECT_FALSE(parser.ended());
}

TEST(ChunkParser, LetsDataBeMovedPastIt) {
    ChunkParser parser;
    std::string_view input = "10\r\n";
    EXPECT_EQ(parser.next(input).kind, StepKind::more);
    EXPECT_EQ(parser.remaining(), 16U);
    parser.skip(10);
    EXPECT_EQ(parser.remaining(), 6U);
    parser.skip(6);
    EXPECT_EQ(parser.remaining(), 0U);
    input = "\r\n0\r\n\r\n";
    EXPECT_EQ(parser.next(input).kind, StepKind::end);
}

TEST(ChunkParser, HasNothingRemainingBetweenChunks) {
    ChunkParser parser;
    std::string_view input = "1\r";
    EXPECT_EQ(parser.next(input).kind, StepKind::more);
    EXPECT_EQ(parser.remaining(), 0U);
}

TEST(ChunkParser, SkippingMoreThanTheChunkIsOurBug) {
    ChunkParser parser;
    EXPECT_DEATH(parser.skip(1), "remaining");
}

TEST(ChunkParser, StaysRefused) {
    ChunkParser parser;
    std::string_view input = "x";
    EXPECT_EQ(parser.next(input).kind, StepKind::bad);
    input = "0\r\n\r\n";
    EXPECT_EQ(parser.next(input).kind, StepKind::bad);
    EXPECT_FALSE(parser.next(input).reason.empty());
}

TEST(ChunkParser, TakesSixteenDigitsUpToItsLimit) {
    ChunkParser parser;
    std::string_view input = "4000000000000000\r\n";
    EXPECT_EQ(parser.next(input).kind, StepKind::more);
    EXPECT_EQ(parser.remaining(), std::uint64_t{1} << 62);
    ChunkParser other;
    input = "4000000000000001\r\n";
    EXPECT_EQ(other.next(input).kind, StepKind::bad);
}

TEST(ChunkParser, BoundsExtensionsPerLineAnew) {
    ChunkLimits limits;
    limits.extension = 3;
    ChunkParser parser;
    std::string_view input = "1;ab\r\nx\r\n1;ab\r\ny\r\n1;abc\r\n";
    EXPECT_EQ(parser.next(input, limits).data, "x");
    EXPECT_EQ(parser.next(input, limits).data, "y");
    EXPECT_EQ(parser.next(input, limits).kind, StepKind::bad);
}

TEST(ChunkParser, BoundsTrailersTogether) {
    ChunkLimits limits;
    limits.trailers = 12;
    ChunkParser parser;
    std::string_view input = "0\r\nA: b\r\nC\r\n";
    EXPECT_EQ(parser.next(input, limits).kind, StepKind::bad);
    ChunkParser other;
    input = "0\r\nA:\r\nB:\r\n\r\n";
    limits.trailers = 10;
    EXPECT_EQ(other.next(input, limits).kind, StepKind::end);
}

}  // namespace
}  // namespace core::http
