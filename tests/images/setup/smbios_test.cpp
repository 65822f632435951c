#include "images/setup/smbios.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace images::setup {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using namespace std::string_literals;

// One structure with its strings, as firmware lays it out.
std::string structure(unsigned char type, const std::string& formatted, const std::vector<std::string>& strings) {
    std::string bytes;
    bytes += static_cast<char>(type);
    bytes += static_cast<char>(4 + formatted.size());
    bytes += "\1\0"s + formatted;
    for (const std::string& string : strings) {
        bytes += string + "\0"s;
    }
    return bytes + (strings.empty() ? "\0\0"s : "\0"s);
}

std::vector<std::string> strings_of(const std::string& table) {
    return oem_strings(std::as_bytes(std::span(table.data(), table.size())));
}

TEST(Smbios, ReadsTheStringsOfOemStructuresAlone) {
    const std::string table = structure(0, "ab", {"Vendor", "1.0"}) + structure(16, "c", {}) +
                              structure(11, "\2", {"one", "two"}) + structure(1, "", {"other"}) +
                              structure(11, "\1", {"three"}) + structure(127, "", {});
    EXPECT_THAT(strings_of(table), ElementsAre("one", "two", "three"));
}

TEST(Smbios, ATableThatIsCutAnywhereGivesWhatStandsBeforeTheCut) {
    const std::string table = structure(11, "\2", {"one", "two"}) + structure(11, "\1", {"three"});
    for (std::size_t size = 0; size <= table.size(); ++size) {
        const auto strings = strings_of(table.substr(0, size));
        ASSERT_LE(strings.size(), 3U);
        if (!strings.empty()) {
            EXPECT_EQ(strings.front(), "one");
        }
    }
    EXPECT_THAT(strings_of(table), ElementsAre("one", "two", "three"));
}

TEST(Smbios, AStructureShorterThanItsHeadEndsTheTable) {
    EXPECT_THAT(strings_of("\x0b\x03\1\0one\0\0"s), IsEmpty());
    EXPECT_THAT(strings_of("\x0b\xff\1\0one\0\0"s), IsEmpty());
    EXPECT_THAT(strings_of(structure(127, "", {}) + structure(11, "", {"after the end"})), IsEmpty());
}

TEST(Smbios, CredentialsArePlainOrBase64AndTheFirstOfANameCounts) {
    std::map<std::string, std::string> credentials;
    add_credentials(
        {"io.systemd.credential:a=one=1", "io.systemd.credential.binary:b=aGVsbG8K", "io.systemd.credential:a=2",
         "io.systemd.credential.binary:c=not base64", "io.systemd.stub.kernel-cmdline-extra=x",
         "io.systemd.credential:without", "io.systemd.credential.binary:d=YQ=="},
        credentials);
    EXPECT_THAT(credentials, ElementsAre(Pair("a", "one=1"), Pair("b", "hello\n"), Pair("d", "a")));
}

}  // namespace
}  // namespace images::setup
