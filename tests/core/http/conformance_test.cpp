// Runs tests/conformance: data says what is forwarded, refused and kept. The result must not depend on the input's
// pieces.
#include "tests/core/http/conformance.hpp"

#include <gtest/gtest.h>

namespace core::http::conformance {
namespace {

std::string escape(std::string_view text) {
    std::string out;
    for (const char c : text) {
        out += c == '\r' ? "\\r" : c == '\n' ? "\\n\n" : std::string(1, c);
    }
    return out;
}

void expect_outcome(const Case& one, const Stream& stream, const std::string& how) {
    EXPECT_EQ(stream.verdict(), one.verdict) << one.place << " " << one.name << ", " << how;
    EXPECT_EQ(escape(stream.output()), escape(one.output)) << one.place << " " << one.name << ", " << how;
}

bool wants_refusal(const Case& one) {
    return one.verdict.starts_with("refuse");
}

TEST(Conformance, HasAtLeastFourHundredCasesWithNamesOfTheirOwn) {
    const std::vector<Case> cases = read_all();
    EXPECT_GE(cases.size(), 400U);
    std::vector<std::string> names;
    for (const Case& one : cases) {
        names.push_back(one.name);
        EXPECT_FALSE(one.verdict.empty()) << one.place;
    }
    std::ranges::sort(names);
    const auto twice = std::ranges::adjacent_find(names);
    EXPECT_TRUE(twice == names.end()) << *twice;
}

TEST(Conformance, EveryCaseComesOutAsWritten) {
    for (const Case& one : read_all()) {
        Stream stream(one);
        stream.feed(one.input);
        stream.finish();
        expect_outcome(one, stream, "whole");
    }
}

TEST(Conformance, EveryCaseComesOutTheSameByteByByte) {
    for (const Case& one : read_all()) {
        Stream stream(one);
        for (const char byte : one.input) {
            stream.feed({&byte, 1});
        }
        stream.finish();
        expect_outcome(one, stream, "dribbled");
    }
}

// Long inputs are mostly one repeated byte. Cutting them everywhere would take minutes and show nothing more.
std::size_t stride(const Case& one) {
    return one.input.size() < 2000 ? 1 : one.input.size() / 500;
}

TEST(Conformance, EveryCaseComesOutTheSameCutAtEveryByte) {
    for (const Case& one : read_all()) {
        for (std::size_t cut = 1; cut < one.input.size(); cut += stride(one)) {
            Stream stream(one);
            stream.feed(std::string_view(one.input).substr(0, cut));
            if (!wants_refusal(one)) {
                ASSERT_FALSE(stream.refused()) << one.place << " refused after " << cut << " bytes";
            }
            stream.feed(std::string_view(one.input).substr(cut));
            stream.finish();
            expect_outcome(one, stream, "cut after " + std::to_string(cut));
            if (testing::Test::HasFailure()) {
                return;
            }
        }
    }
}

}  // namespace
}  // namespace core::http::conformance
