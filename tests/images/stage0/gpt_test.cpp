#include "images/stage0/gpt.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

namespace images::stage0 {
namespace {

const std::string digits = "00112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef";

std::vector<std::byte> header(std::uint64_t lba, std::uint32_t entries, std::uint32_t size) {
    std::vector<std::byte> bytes(512);
    std::memcpy(bytes.data(), "EFI PART", 8);
    std::memcpy(bytes.data() + 72, &lba, sizeof lba);
    std::memcpy(bytes.data() + 80, &entries, sizeof entries);
    std::memcpy(bytes.data() + 84, &size, sizeof size);
    return bytes;
}

TEST(Gpt, ARootHashIs64SmallHexadecimalDigits) {
    ASSERT_TRUE(parse_hash(digits));
    EXPECT_EQ(parse_hash(digits)->at(1), 0x11);
    EXPECT_FALSE(parse_hash(digits.substr(1)));
    EXPECT_FALSE(parse_hash(digits + "0"));
    EXPECT_FALSE(parse_hash("G" + digits.substr(1)));
    EXPECT_FALSE(parse_hash("A" + digits.substr(1)));
    EXPECT_FALSE(parse_hash(""));
}

TEST(Gpt, TheHalvesOfTheHashAreGuidsAsTheyStandOnTheDisk) {
    const Halves halves = split(*parse_hash(digits));
    const Guid root{0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
    EXPECT_EQ(halves.root, root);
    EXPECT_EQ(halves.verity[0], 0x67);
}

TEST(Gpt, TakesATableWithinItsBoundsAndNoneOutside) {
    EXPECT_TRUE(parse_gpt(header(2, 128, 128)));
    EXPECT_TRUE(parse_gpt(header(2, 1, 4096)));
    EXPECT_TRUE(parse_gpt(header(2, 1024, 128)));
    EXPECT_FALSE(parse_gpt(header(1, 128, 128))) << "the header itself lies there";
    EXPECT_FALSE(parse_gpt(header(2, 0, 128)));
    EXPECT_FALSE(parse_gpt(header(2, 1025, 128)));
    EXPECT_FALSE(parse_gpt(header(2, 128, 127)));
    EXPECT_FALSE(parse_gpt(header(2, 128, 4097)));
    EXPECT_FALSE(parse_gpt(header(std::uint64_t{1} << 40U, 128, 128)));
    auto wrong = header(2, 128, 128);
    wrong[0] = std::byte{'e'};
    EXPECT_FALSE(parse_gpt(wrong));
    EXPECT_FALSE(parse_gpt(std::span(wrong).first(91)));
}

TEST(Gpt, FindsAPartitionByItsGuidAndCountsFromOne) {
    const Gpt table{.entries_lba = 2, .entries = 4, .entry_size = 128};
    const Guid wanted = split(*parse_hash(digits)).root;
    std::vector<std::byte> entries(4 * 128);
    EXPECT_EQ(find_partition(table, entries, wanted), 0U);
    std::memcpy(entries.data() + 2 * 128 + 16, wanted.data(), wanted.size());
    EXPECT_EQ(find_partition(table, entries, wanted), 3U);
    EXPECT_EQ(find_partition(table, std::span(entries).first(2 * 128 + 31), wanted), 0U) << "cut in the middle of it";
    EXPECT_EQ(find_partition(table, {}, wanted), 0U);
}

}  // namespace
}  // namespace images::stage0
