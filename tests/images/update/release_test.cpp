#include "images/update/release.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "images/update/digest.hpp"
#include "tests/support/temporary_folder.hpp"

namespace images::update {
namespace {

using testing::HasSubstr;

const std::string digest(64, 'a');
const std::string uuid = "0f3d5cf5-3a0e-4d0a-9c3e-7c1f7f0f5a2d";
const std::string efi = digest + "  gatehouse_2.efi\n";
const std::string root = digest + "  gatehouse_2_" + uuid + ".root.raw\n";
const std::string hashes = digest + "  gatehouse_2_" + uuid + ".verity.raw\n";
const std::string terms = digest + "  gatehouse_2.terms\n";

std::string refusal(const std::string& sums) {
    const auto release = parse_release(sums);
    return release ? "taken" : release.error().line();
}

TEST(Release, IsOneVersionWithItsFilesAndTerms) {
    const auto release = parse_release(root + digest + "  notes.txt\n" + efi + terms + hashes);
    ASSERT_TRUE(release.has_value()) << release.error().line();
    EXPECT_EQ(release->version, "2");
    EXPECT_EQ(release->files[0].name, "gatehouse_2_" + uuid + ".root.raw");
    EXPECT_EQ(release->files[1].name, "gatehouse_2_" + uuid + ".verity.raw");
    EXPECT_EQ(release->files[2].name, "gatehouse_2.efi");
    EXPECT_EQ(release->files[2].sha256, digest);
    EXPECT_EQ(release->terms.name, "gatehouse_2.terms");
}

TEST(Release, NeedsAllFour) {
    EXPECT_THAT(refusal(root + hashes), HasSubstr("no efi file"));
    EXPECT_THAT(refusal(root + efi), HasSubstr("no verity.raw file"));
    EXPECT_THAT(refusal(efi + hashes), HasSubstr("no root.raw file"));
    EXPECT_THAT(refusal(""), HasSubstr("no root.raw file"));
    EXPECT_THAT(refusal(root + hashes + efi), HasSubstr("no terms file"));
}

TEST(Release, TakesNoMixture) {
    EXPECT_THAT(refusal(root + hashes + efi + digest + "  gatehouse_3.terms\n"), HasSubstr("files of 2 and of 3"));
    EXPECT_THAT(refusal(root + hashes + efi + terms + terms), HasSubstr("two terms files"));
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

// The terms that say such sizes and such an end, and the release that names their checksum.
struct Offer {
    explicit Offer(const std::string& text) {
        release.version = "2";
        release.terms = {"gatehouse_2.terms", sha256_of(text), 0};
        release.files = {File{"root", digest, 0}, File{"verity", digest, 0}, File{"efi", digest, 0}};
        taken = take_terms(text, release);
    }
    Release release;
    core::Result<void> taken;
};

std::string make_terms(const std::string& sizes, const std::string& expires = "\"2027-01-02T03:04:05Z\"",
                       const std::string& version = "\"2\"") {
    return "{\"version\":" + version + ",\"expires\":" + expires + ",\"sizes\":" + sizes + "}";
}

std::string refused(const std::string& text) {
    const Offer offer(text);
    return offer.taken ? "taken" : offer.taken.error().line();
}

const std::string sizes = R"({"root":3,"verity":2,"efi":1,"more":7})";

TEST(Terms, SayHowLargeTheFilesAreAndUntilWhenTheyMayBeInstalled) {
    const Offer offer(make_terms(sizes));
    ASSERT_TRUE(offer.taken) << offer.taken.error().line();
    EXPECT_EQ(offer.release.files[0].size, 3U);
    EXPECT_EQ(offer.release.files[1].size, 2U);
    EXPECT_EQ(offer.release.files[2].size, 1U);
    EXPECT_EQ(offer.release.expires, *core::base::parse_time("2027-01-02T03:04:05Z"));
}

TEST(Terms, AreThoseThatWereSigned) {
    Offer offer(make_terms(sizes));
    const auto other = take_terms(make_terms(sizes) + " ", offer.release);
    ASSERT_FALSE(other);
    EXPECT_THAT(other.error().line(), HasSubstr("not what SHA256SUMS says"));
    EXPECT_THAT(refused(make_terms(sizes, "\"2027-01-02T03:04:05Z\"", "\"3\"")), HasSubstr("not of version 2"));
    EXPECT_THAT(refused(make_terms(sizes, "\"2027-01-02T03:04:05Z\"", "2")), HasSubstr("not of version 2"));
}

TEST(Terms, ThatAreNotWholeAreRefused) {
    for (const char* text : {"", "[]", "2", "{", R"({"expires":"2027-01-02T03:04:05Z"})"}) {
        EXPECT_THAT(refused(text), HasSubstr("not of version 2")) << text;
    }
    for (const char* expires : {"null", "1800000000", "\"\"", "\"soon\"", "\"2027-13-02T03:04:05Z\""}) {
        EXPECT_THAT(refused(make_terms(sizes, expires)), HasSubstr("until when")) << expires;
    }
    for (const char* wrong : {"null", "[]", "{}", R"({"root":3,"verity":2})", R"({"root":3,"verity":2,"efi":0})",
                              R"({"root":3,"verity":2,"efi":-1})", R"({"root":3,"verity":2,"efi":1.5})",
                              R"({"root":3,"verity":2,"efi":"1"})", R"({"root":3,"verity":2,"efi":1073741825})",
                              R"({"root":3,"verity":2,"efi":18446744073709551616})"}) {
        EXPECT_THAT(refused(make_terms(wrong)), HasSubstr("how many bytes")) << wrong;
    }
    EXPECT_EQ(refused(make_terms(R"({"root":3,"verity":2,"efi":1073741824})")), "taken") << "a GiB is the limit";
}

std::string stale(const std::string& running, core::WallTime now) {
    const auto fresh = check_fresh(Offer(make_terms(sizes)).release, running, now);
    return fresh ? "" : fresh.error().line();
}

TEST(Terms, EndAtTheirTime) {
    const auto end = *core::base::parse_time("2027-01-02T03:04:05Z");
    EXPECT_EQ(stale("1", end - core::Milliseconds(1)), "");
    EXPECT_THAT(stale("1", end), HasSubstr("has expired at 2027-01-02T03:04:05Z"));
    EXPECT_THAT(stale("1", end + std::chrono::hours(9000)), HasSubstr("may not be installed any more"));
    EXPECT_THAT(stale("2", end - core::Milliseconds(1)), HasSubstr("not newer than 2"));
    EXPECT_THAT(stale("10", end - core::Milliseconds(1)), HasSubstr("not newer than 10"));
}

TEST(Terms, LeaveRoomForTheState) {
    const Release release = Offer(make_terms(sizes)).release;
    EXPECT_TRUE(check_room(release, room_kept + 6));
    const auto tight = check_room(release, room_kept + 5);
    ASSERT_FALSE(tight);
    EXPECT_THAT(tight.error().line(), HasSubstr("its files have 6 bytes"));
    EXPECT_FALSE(check_room(release, 0));
}

TEST(Digest, IsTheOneOfTheStandard) {
    EXPECT_EQ(sha256_of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");  // FIPS 180-2, B.1
    Digest pieces;
    pieces.add("a");
    pieces.add("bc");
    EXPECT_EQ(pieces.end(), sha256_of("abc"));
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
