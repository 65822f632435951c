#include "appliance/control/audit_log.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temporary_folder.hpp"
namespace appliance::control {
namespace {

namespace fs = std::filesystem;

class AuditLogTest : public testing::Test {
protected:
    static AuditEntry entry(std::string why) {
        const core::WallTime time(core::Milliseconds(1'753'430'000'123));
        return {0, time, "ann", "", "unix", "fence", R"({"servers":["web1"]})", std::move(why), ""};
    }

    const tests::TemporaryFolder temporary_;
    const fs::path& folder_ = temporary_.path();
};

TEST_F(AuditLogTest, KeepsWhatHasBegunOverARestart) {
    ASSERT_EQ(AuditLog(folder_).begin(entry("it's \"broken\"; --")), 1);
    const auto entries = AuditLog(folder_).last(10);
    ASSERT_EQ(entries->size(), 1U);
    EXPECT_EQ(entries->front().why, "it's \"broken\"; --");
    EXPECT_EQ(entries->front().time, entry("").time);
    EXPECT_EQ(entries->front().outcome, "begun");
}

TEST_F(AuditLogTest, ShowsTheNewestFirstWithItsOutcome) {
    AuditLog log(folder_);
    const auto first = log.begin(entry("one"));
    const auto second = log.begin(entry("two"));
    ASSERT_TRUE(log.end(*first, "done"));
    ASSERT_TRUE(log.end(*second, "refused: no"));
    const auto entries = log.last(10);
    EXPECT_EQ(entries->at(0).outcome, "refused: no");
    EXPECT_EQ(entries->at(1).outcome, "done");
    EXPECT_EQ(log.last(1)->size(), 1U);
}

TEST_F(AuditLogTest, NothingStaysBegunWhoseProcessHasEnded) {
    ASSERT_TRUE(AuditLog(folder_).begin(entry("one")));
    AuditLog log(folder_);
    ASSERT_TRUE(log.close_begun());
    const auto next = log.begin(entry("two"));
    EXPECT_EQ(log.last(10)->at(1).outcome, "not known: gatehouse ended meanwhile");
    EXPECT_EQ(log.find(*next)->value().outcome, "begun");
}

TEST_F(AuditLogTest, AnUpgradeThatWasAcceptedGetsItsOutcome) {
    AuditLog log(folder_);
    const auto add = [&log, this](const char* what, const char* why, const char* outcome) {
        AuditEntry one = entry(why);
        one.what = what;
        const auto id = log.begin(one);
        EXPECT_TRUE(log.end(*id, outcome));
        return *id;
    };
    const auto wanted = add("upgrade", "0.2", "accepted");
    const auto another = add("upgrade", "0.3", "accepted");
    const auto refused = add("upgrade", "0.2", "refused: no");
    const auto update = add("update install", "0.2", "accepted");
    ASSERT_TRUE(log.close_upgrade(entry("").who, "0.2", "done: 0.1 to 0.2"));
    EXPECT_EQ(log.find(wanted)->value().outcome, "done: 0.1 to 0.2");
    EXPECT_EQ(log.find(another)->value().outcome, "accepted");
    EXPECT_EQ(log.find(refused)->value().outcome, "refused: no");
    ASSERT_TRUE(log.close_upgrades("not known"));
    EXPECT_EQ(log.find(another)->value().outcome, "not known");
    EXPECT_EQ(log.find(wanted)->value().outcome, "done: 0.1 to 0.2");
    EXPECT_EQ(log.find(update)->value().outcome, "accepted");
}

TEST_F(AuditLogTest, ForgetsTheOldestOnceThereAreTooMany) {
    AuditLog log(folder_, 3);
    for (const char* why : {"1", "2", "3"}) {
        ASSERT_TRUE(log.begin(entry(why)));
    }
    EXPECT_EQ(log.last(10)->back().why, "1");
    ASSERT_TRUE(log.begin(entry("4")));
    EXPECT_EQ(log.last(10)->size(), 3U);
    EXPECT_EQ(log.last(10)->back().why, "2");
}

TEST_F(AuditLogTest, CutsLongTextsAtACharacter) {
    AuditLog log(folder_);
    ASSERT_TRUE(log.begin(entry(std::string(AuditLog::text_max, 'x'))));
    EXPECT_EQ(log.last(1)->front().why.size(), AuditLog::text_max);
    ASSERT_TRUE(log.begin(entry(std::string(AuditLog::text_max - 1, 'x') + "\xc3\xa4")));
    EXPECT_EQ(log.last(1)->front().why, std::string(AuditLog::text_max - 1, 'x'));
}

TEST_F(AuditLogTest, AFileThatIsNoDatabaseIsAnErrorUntilItIsMovedAway) {
    std::ofstream(folder_ / "audit.db") << std::string(8192, 'x');
    AuditLog log(folder_);
    const auto refused = log.begin(entry(""));
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().line().find("audit.db"), std::string::npos) << refused.error().line();
    fs::rename(folder_ / "audit.db", folder_ / "broken");
    EXPECT_TRUE(log.begin(entry("")));
}

TEST(ViewAudit, ShowsARequestThatWasCutAsItIs) {
    AuditEntry entry;
    entry.request = R"({"servers":["we)";
    EXPECT_EQ(view_audit({entry})["entries"][0]["request"], entry.request);
}

}  // namespace
}  // namespace appliance::control
