#include "images/update/entries.hpp"

#include <gtest/gtest.h>

namespace images::update {
namespace {

TEST(Entry, IsReadWithItsCount) {
    const auto served = parse_entry("gatehouse_2.efi");
    ASSERT_TRUE(served);
    EXPECT_EQ(served->version, "2");
    EXPECT_FALSE(served->tries_left);
    EXPECT_FALSE(served->given_up());
    EXPECT_EQ(parse_entry("gatehouse_2026.11+3.efi")->tries_left, 3U);
    const auto tried = parse_entry("gatehouse_2+2-1.efi");
    ASSERT_TRUE(tried);
    EXPECT_EQ(tried->tries_left, 2U);
    EXPECT_FALSE(tried->given_up());
    EXPECT_TRUE(parse_entry("gatehouse_2+0-3.efi")->given_up());
}

TEST(Entry, OtherNamesAreNone) {
    for (const char* name : {"gatehouse_.efi", "gatehouse_2.EFI", "gatehouse_2", "gatehouse_2+.efi",
                             "gatehouse_2+a.efi", "gatehouse_2+1-.efi", "gatehouse_2+1-b.efi", "gatehouse_2+-1.efi",
                             "other_2.efi", "", "gatehouse_2+99999999999.efi"}) {
        EXPECT_FALSE(parse_entry(name)) << name;
    }
}

TEST(Entry, ThatIsGivenUpIsReadAsSuch) {
    const auto entry = parse_entry(given_up_name("1.2"));
    ASSERT_TRUE(entry);
    EXPECT_EQ(entry->version, "1.2");
    EXPECT_TRUE(entry->given_up());
}

}  // namespace
}  // namespace images::update
