// The fuzz targets' property, on the bytes of the conformance corpus.
#include "tests/fuzz/round_trip.hpp"

#include <gtest/gtest.h>

#include "tests/core/http/conformance.hpp"

namespace core::http {
namespace {

TEST(RoundTrip, EveryCaseParsesToTheSameAgainOnceWritten) {
    for (const auto& one : conformance::read_all()) {
        EXPECT_EQ(fuzz::check_request(one.input), "") << one.place << " " << one.name;
        EXPECT_EQ(fuzz::check_response(one.input, "GET"), "") << one.place << " " << one.name;
        EXPECT_EQ(fuzz::check_response(one.input, "HEAD"), "") << one.place << " " << one.name;
        EXPECT_EQ(fuzz::check_chunks(one.input), "") << one.place << " " << one.name;
    }
}

TEST(RoundTrip, EveryCaseHoldsWithOneByteChangedToATellingOne) {
    constexpr std::string_view telling{"\r\n\t :;,/0\0\x7f\xff", 12};
    for (const auto& one : conformance::read_all()) {
        if (one.input.size() > 400) {
            continue;
        }
        for (std::size_t i = 0; i < one.input.size(); ++i) {
            std::string changed = one.input;
            changed[i] = telling[i % telling.size()];
            EXPECT_EQ(fuzz::check_request(changed), "") << one.place << " byte " << i;
            EXPECT_EQ(fuzz::check_response(changed, "GET"), "") << one.place << " byte " << i;
        }
    }
}

TEST(RoundTrip, ChunksOfEveryCaseHold) {
    for (const auto& one : conformance::read_all()) {
        const std::size_t body = one.input.find("\r\n\r\n");
        if (body != std::string::npos) {
            EXPECT_EQ(fuzz::check_chunks(std::string_view(one.input).substr(body + 4)), "") << one.place;
        }
    }
}

}  // namespace
}  // namespace core::http
