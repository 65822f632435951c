// The note that a fence leaves in the kernel.
#include <gtest/gtest.h>

#include "netfilter/model/fence.hpp"
#include "netfilter/nft/objects.hpp"

namespace netfilter {
namespace {

Fence make_fence() {
    Fence fence;
    fence.id = "7f3a";
    fence.who = "ann";
    fence.why = "deploy v42";
    fence.since = core::base::parse_time("2026-11-22T14:03:05Z").value();
    return fence;
}

TEST(Note, ReadsLikeASentenceOfKeysAndEndsInTheReason) {
    auto fence = make_fence();
    fence.until = core::base::parse_time("2026-11-22T15:03:05Z").value();
    EXPECT_EQ(write_note(fence), "id=7f3a by=ann since=20261122T140305Z until=20261122T150305Z why=deploy v42");
}

TEST(Note, GivesBackWhatWasWritten) {
    auto fence = make_fence();
    fence.until = fence.since + std::chrono::hours(24);
    Fence found;
    read_note(write_note(fence), found);
    EXPECT_EQ(found, fence);
}

TEST(Note, LeavesOutWhatIsEmpty) {
    Fence fence;
    fence.since = make_fence().since;
    EXPECT_EQ(write_note(fence), "id= since=20261122T140305Z");
    EXPECT_EQ(as_stored(fence), fence);
}

class NastyReason : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(All, NastyReason,
                         testing::Values("\"; drop table", "line\nbreak\ttab", "100% of it", "%41%", "back\\slash",
                                         "Wartung für Jürgen", "\xff\xfe broken utf-8", std::string("a\0b", 3),
                                         "why=what id=x by=y", " leading and trailing ", "\x1b[31mred\xc2\x9b"));

TEST_P(NastyReason, ComesBackWholeAndHarmsNothingOnItsWay) {
    auto fence = make_fence();
    fence.why = GetParam();
    fence.who = GetParam().substr(0, 6);
    const auto note = write_note(fence);
    for (const char c : note) {
        EXPECT_TRUE(c >= ' ' && c < 0x7f && c != '"' && c != '\\') << note;
    }
    Fence found;
    read_note(note, found);
    EXPECT_EQ(found, fence);
}

TEST(Note, IsNeverLongerThanNftTakesAndShowsTheCut) {
    for (const std::string piece : {"x", "ü", "€", "\"", "\xff"}) {
        for (const std::size_t count : {10U, 40U, 60U, 80U, 81U, 82U, 83U, 10'000U}) {
            auto fence = make_fence();
            fence.id = std::string(24, 'i');
            fence.until = fence.since;
            fence.why.clear();
            for (std::size_t i = 0; i < count; ++i) {
                fence.why += piece;
            }
            fence.who = fence.why;
            const auto note = write_note(fence);
            EXPECT_LE(note.size(), comment_max);
            const auto stored = as_stored(fence);
            EXPECT_TRUE(stored.why == fence.why || stored.why.ends_with("...")) << note;
            EXPECT_EQ(as_stored(stored), stored) << note;
        }
    }
}

TEST(Note, CutsBetweenCharactersNotWithin) {
    auto fence = make_fence();
    fence.why.clear();
    for (int i = 0; i < 100; ++i) {
        fence.why += "€";
    }
    auto why = as_stored(fence).why;
    ASSERT_TRUE(why.ends_with("..."));
    why.resize(why.size() - 3);
    EXPECT_GT(why.size(), 0U);
    EXPECT_EQ(why.size() % 3, 0U);
}

class ForeignNote : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(All, ForeignNote,
                         testing::Values("maintenance by bob", "id=7", "id=7 since=yesterday why=x", "why=x",
                                         "id=7 since=20261122T140305Z more", "id=7 since=20261322T140305Z",
                                         "id=7 since=2026112-T140305Z why=x"));

TEST_P(ForeignNote, BecomesTheReason) {
    Fence found;
    read_note(GetParam(), found);
    EXPECT_EQ(found.why, GetParam());
    EXPECT_EQ(found.id, "");
}

TEST(Note, TakesOnlyIdsThatNeedNoEscape) {
    EXPECT_TRUE(valid_id("7f3a-web1:80_x.y"));
    EXPECT_TRUE(valid_id(""));
    EXPECT_FALSE(valid_id("a b"));
    EXPECT_FALSE(valid_id("a\"b"));
    EXPECT_FALSE(valid_id(std::string(25, 'a')));
}

}  // namespace
}  // namespace netfilter
