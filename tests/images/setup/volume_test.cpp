#include "images/setup/volume.hpp"

#include <gtest/gtest.h>

#include <string>

namespace images::setup {
namespace {

std::optional<Label> label(const std::string& head) {
    return label_of(std::as_bytes(std::span(head.data(), head.size())));
}

std::string put(std::string head, std::size_t at, const std::string& text) {
    head.resize(std::max(head.size(), volume_head), '\0');
    return head.replace(at, text.size(), text);
}

TEST(Volume, IsIso) {
    const std::string iso = put(put("", 32768,
                                    "\x01"
                                    "CD001"),
                                32768 + 40, "GATEHOUSE" + std::string(23, ' '));
    const auto found = label(iso);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->name, "GATEHOUSE");
    EXPECT_STREQ(found->type, "iso9660");
    EXPECT_FALSE(label(put(iso, 32768, "\x02")));
}

TEST(Volume, IsFatOfAnySize) {
    const std::string boot = put("", 510, "\x55\xaa");
    EXPECT_EQ(label(put(put(boot, 54, "FAT16   "), 43, "GATEHOUSE  "))->name, "GATEHOUSE");
    EXPECT_EQ(label(put(put(boot, 54, "FAT12   "), 43, "OTHER      "))->name, "OTHER");
    const auto large = label(put(put(boot, 82, "FAT32   "), 71, "GATEHOUSE  "));
    ASSERT_TRUE(large);
    EXPECT_EQ(large->name, "GATEHOUSE");
    EXPECT_STREQ(large->type, "vfat");
}

TEST(Volume, IsNothingElse) {
    EXPECT_FALSE(label(put("", 0, "")));
    EXPECT_FALSE(label(put("", 510, "\x55\xaa")));
    EXPECT_FALSE(label(put("", 54, "FAT16   ")));
    const std::string iso = put("", 32768,
                                "\x01"
                                "CD001");
    EXPECT_TRUE(label(iso));
    EXPECT_FALSE(label(iso.substr(0, volume_head - 1))) << "cut";
    EXPECT_EQ(label(iso)->name.size(), 32U);
}

}  // namespace
}  // namespace images::setup
