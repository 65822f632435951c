#include "images/stage0/verity.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

namespace images::stage0 {
namespace {

class VerityTest : public testing::Test {
protected:
    VerityTest() {
        std::memcpy(bytes_.data(), "verity\0\0", 8);
        set<std::uint32_t>(8, 1);
        set<std::uint32_t>(12, 1);
        std::memcpy(bytes_.data() + 32, "sha256", 6);
        set<std::uint32_t>(64, 4096);
        set<std::uint32_t>(68, 4096);
        set<std::uint64_t>(72, 1000);
        set<std::uint16_t>(80, 2);
        bytes_[88] = std::byte{0xab};
        bytes_[89] = std::byte{0x01};
    }
    template <typename Number>
    void set(std::size_t at, Number number) {
        std::memcpy(bytes_.data() + at, &number, sizeof number);
    }
    bool good() { return parse_verity(bytes_).has_value(); }

    std::vector<std::byte> bytes_ = std::vector<std::byte>(512);
};

TEST_F(VerityTest, BecomesATableThatEndsTheSystemAtTheFirstDamage) {
    const auto verity = parse_verity(bytes_);
    ASSERT_TRUE(verity);
    EXPECT_EQ(sectors(*verity), 8000U);
    EXPECT_EQ(table(*verity, "254:2", "254:1", "c0ffee"),
              "1 254:2 254:1 4096 4096 1000 1 sha256 c0ffee ab01 1 panic_on_corruption");
}

TEST_F(VerityTest, WithoutSaltThereIsADash) {
    set<std::uint16_t>(80, 0);
    EXPECT_EQ(parse_verity(bytes_)->salt, "-");
}

TEST_F(VerityTest, TakesSizesAtTheirBoundsAndNonePastThem) {
    set<std::uint32_t>(64, 512);
    EXPECT_TRUE(good());
    set<std::uint32_t>(64, 256);
    EXPECT_FALSE(good());
    set<std::uint32_t>(64, 8192);
    EXPECT_FALSE(good());
    set<std::uint32_t>(64, 4096);
    set<std::uint16_t>(80, 256);
    EXPECT_TRUE(good());
    set<std::uint16_t>(80, 257);
    EXPECT_FALSE(good());
    set<std::uint16_t>(80, 0);
    set<std::uint64_t>(72, 0);
    EXPECT_FALSE(good());
    set<std::uint64_t>(72, std::uint64_t{1} << 40U);
    EXPECT_TRUE(good());
    set<std::uint64_t>(72, (std::uint64_t{1} << 40U) + 1);
    EXPECT_FALSE(good());
}

TEST_F(VerityTest, TakesNoOtherHashVersionOrMagic) {
    std::memcpy(bytes_.data() + 32, "sha1\0\0", 6);
    EXPECT_FALSE(good());
    std::memcpy(bytes_.data() + 32, "sha256", 6);
    set<std::uint32_t>(8, 2);
    EXPECT_FALSE(good());
    set<std::uint32_t>(8, 1);
    bytes_[0] = std::byte{'V'};
    EXPECT_FALSE(good());
    EXPECT_FALSE(parse_verity(std::span(bytes_).first(511)));
}

}  // namespace
}  // namespace images::stage0
