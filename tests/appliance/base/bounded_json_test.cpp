#include "appliance/base/bounded_json.hpp"

#include <gtest/gtest.h>

namespace appliance::base {
namespace {

std::string nested(std::size_t depth, char open = '[', char close = ']') {
    return std::string(depth, open) + std::string(depth, close);
}

TEST(BoundedJson, ReadsWhatIsWithinItsBounds) {
    const auto read = read_json(R"({"a": [1, {"b": "[[[{{{,,,\"]"}]})");
    ASSERT_TRUE(read) << read.error().line();
    EXPECT_EQ((*read)["a"][1]["b"], "[[[{{{,,,\"]");
    EXPECT_EQ(read_ordered_json(R"({"b": 1, "a": 2})")->dump(), R"({"b":1,"a":2})");
    EXPECT_TRUE(read_json(nested(32)));
}

TEST(BoundedJson, RefusesDepthThatCopyingCouldNotBear) {
    for (const std::size_t depth : {33U, 500'000U}) {
        const auto read = read_json(nested(depth));
        ASSERT_FALSE(read);
        EXPECT_EQ(read.error().line(), "the JSON is nested too deep: more than 32 levels");
    }
    // Not closed, and behind strings that end in escapes.
    EXPECT_FALSE(check_bounds(R"(["\\", "\"", )" + std::string(32, '[')));
    std::string objects;
    for (int i = 0; i < 33; ++i) {
        objects += R"({"a":)";
    }
    EXPECT_FALSE(check_bounds(objects));
}

TEST(BoundedJson, RefusesManyValuesOfFewBytes) {
    std::string list = "[";
    for (int i = 0; i < 20'000; ++i) {
        list += "0,";
    }
    const auto read = read_json(list + "0]");
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().line(), "the JSON has too many values: more than 16384");
    EXPECT_TRUE(read_json(list + "0]", {.values = 30'000}));
}

TEST(BoundedJson, RefusesLengthAndWhatIsNoJson) {
    EXPECT_EQ(read_json(std::string(11, ' '), {.bytes = 10}).error().line(),
              "the JSON is too long: it has more than 10 bytes");
    for (const char* wrong : {"", "{", "]", "\"", "\"\\", "nul", "1e999", "{\"a\":1}{"}) {
        EXPECT_FALSE(read_json(wrong)) << wrong;
    }
}

}  // namespace
}  // namespace appliance::base
