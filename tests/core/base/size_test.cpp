#include "core/base/size.hpp"

#include <gtest/gtest.h>

namespace core::base {
namespace {

TEST(Size, IsANumberWithAUnit) {
    EXPECT_EQ(parse_size("0B"), 0U);
    EXPECT_EQ(parse_size("512B"), 512U);
    EXPECT_EQ(parse_size("16KiB"), 16384U);
    EXPECT_EQ(parse_size("3MiB"), 3U << 20);
    EXPECT_EQ(parse_size("1024GiB"), 1024ULL << 30);
}

TEST(Size, SaysWhatIsWrongWithAText) {
    for (const char* const text : {"", "B", "16", "16K", "16kb", "16 KiB", "-1B", "1.5KiB", "0x10B", "KiB16"}) {
        const auto size = parse_size(text);
        ASSERT_FALSE(size) << text;
        EXPECT_NE(size.error().what.find("is not a size"), std::string::npos) << size.error().line();
    }
    for (const char* const text : {"1025GiB", "18446744073709551615GiB", "18446744073709551616B"}) {
        const auto size = parse_size(text);
        ASSERT_FALSE(size) << text;
        EXPECT_NE(size.error().what.find("is too large"), std::string::npos) << size.error().line();
    }
}

TEST(Size, PrintsTheShortestExactForm) {
    for (const char* const text : {"0B", "1B", "1023B", "1KiB", "1025B", "16KiB", "1MiB", "1GiB"}) {
        EXPECT_EQ(print_size(*parse_size(text)), text);
    }
}

}  // namespace
}  // namespace core::base
