#include "images/update/release.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temporary_folder.hpp"

namespace images::update {
namespace {

using testing::HasSubstr;

const std::string digest(64, 'a');
const std::string uuid = "0f3d5cf5-3a0e-4d0a-9c3e-7c1f7f0f5a2d";
const std::string efi = digest + "  gatehouse_2.efi\n";
const std::string root = digest + "  gatehouse_2_" + uuid + ".root.raw\n";
const std::string hashes = digest + "  gatehouse_2_" + uuid + ".verity.raw\n";

std::string refusal(const std::string& sums) {
    const auto release = parse_release(sums);
    return release ? "taken" : release.error().line();
}

TEST(Release, IsOneVersionWithItsThreeFiles) {
    const auto release = parse_release(root + digest + "  notes.txt\n" + efi + hashes);
    ASSERT_TRUE(release.has_value()) << release.error().line();
    EXPECT_EQ(release->version, "2");
    EXPECT_EQ(release->files[0].name, "gatehouse_2_" + uuid + ".root.raw");
    EXPECT_EQ(release->files[1].name, "gatehouse_2_" + uuid + ".verity.raw");
    EXPECT_EQ(release->files[2].name, "gatehouse_2.efi");
    EXPECT_EQ(release->files[2].sha256, digest);
}

TEST(Release, NeedsAllThree) {
    EXPECT_THAT(refusal(root + hashes), HasSubstr("no efi file"));
    EXPECT_THAT(refusal(root + efi), HasSubstr("no verity.raw file"));
    EXPECT_THAT(refusal(efi + hashes), HasSubstr("no root.raw file"));
    EXPECT_THAT(refusal(""), HasSubstr("no root.raw file"));
}

TEST(Release, TakesNoMixture) {
    EXPECT_THAT(refusal(root + hashes + digest + "  gatehouse_3.efi\n"), HasSubstr("files of 2 and of 3"));
    EXPECT_THAT(refusal(root + root + hashes + efi), HasSubstr("two root.raw files"));
}

TEST(Release, ALineThatIsNoChecksumIsRefused) {
    for (const char* line : {"hello\n", "  gatehouse_2.efi\n"}) {
        EXPECT_THAT(refusal(line + root + hashes + efi), HasSubstr("no checksum")) << line;
    }
    EXPECT_THAT(refusal(std::string(63, 'a') + "   gatehouse_2.efi\n"), HasSubstr("no checksum"));
    EXPECT_THAT(refusal(std::string(64, 'A') + "  gatehouse_2.efi\n"), HasSubstr("no checksum"));
    EXPECT_THAT(refusal(digest + " *gatehouse_2.efi\n"), HasSubstr("no checksum"));
}

TEST(Release, NoNameLeadsOutOfTheFolder) {
    EXPECT_THAT(refusal(root + hashes + digest + "  ../gatehouse_2.efi\n"), HasSubstr("no efi file"));
    EXPECT_THAT(refusal(root + hashes + digest + "  gatehouse_../2.efi\n"), HasSubstr("no efi file"));
    EXPECT_THAT(refusal(efi + hashes + digest + "  gatehouse_2_../../etc/passwd.root.raw\n"), HasSubstr("no root.raw"));
}

TEST(Version, ThatRunsIsInOsRelease) {
    const tests::TemporaryFolder folder;
    const auto file = folder.path() / "os-release";
    std::ofstream(file) << "ID=debian\nIMAGE_ID=gatehouse\nIMAGE_VERSION=\"0.1.0\"\n";
    EXPECT_EQ(running_version(file), "0.1.0");
    std::ofstream(file, std::ios::trunc) << "ID=debian\n";
    EXPECT_EQ(running_version(file), "?");
    std::filesystem::remove(file);
    EXPECT_EQ(running_version(file), "?");
}

TEST(Version, HasThirtyTwoSafeCharactersAtMost) {
    EXPECT_TRUE(is_version("2026.11~rc1"));
    EXPECT_TRUE(is_version(std::string(32, '9')));
    EXPECT_FALSE(is_version(std::string(33, '9')));
    EXPECT_FALSE(is_version(""));
    for (const char* wrong : {"1+2", "1_2", "a/b", "1 2", "1\n"}) {
        EXPECT_FALSE(is_version(wrong)) << wrong;
    }
}

TEST(Version, IsComparedByItsNumbers) {
    EXPECT_TRUE(is_newer("10", "9"));
    EXPECT_TRUE(is_newer("1.10", "1.9"));
    EXPECT_FALSE(is_newer("2", "2"));
    EXPECT_FALSE(is_newer("2", "10"));
}

}  // namespace
}  // namespace images::update
