#include "appliance/control/state/audit_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "appliance/control/state/refused_callers.hpp"
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

TEST_F(AuditLogTest, NothingStaysBegunAfterTheEndOfItsProcess) {
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

TEST_F(AuditLogTest, ForgetsWhatIsOlderThanItsTimeAndNothingElse) {
    AuditLog log(folder_, {.time = std::chrono::days(90), .newest = 2});
    const auto write = [&](const char* why, int day) {
        AuditEntry one = entry(why);
        one.time += std::chrono::days(day);
        ASSERT_TRUE(log.begin(one)) << why;
    };
    const auto oldest = [&] { return log.last(10)->back().why; };
    write("first", 0);
    for (const char* why : {"2", "3", "4"}) {
        write(why, 1);
    }
    write("5", 90);
    EXPECT_EQ(oldest(), "first");
    write("6", 91);
    EXPECT_EQ(oldest(), "2");
    // A clock that was set far ahead forgets all but the newest.
    write("7", 9'000);
    EXPECT_EQ(log.last(10)->size(), 2U);
    EXPECT_EQ(oldest(), "6");
}

// Ten thousand more changes of one token push nothing out.
TEST_F(AuditLogTest, AnAuthorThatFillsItIsRefusedAndOthersAreNot) {
    AuditLog log(folder_, {.newest = 10, .bytes_of_one = 10'000});
    ASSERT_TRUE(log.begin(entry("the evidence")));
    AuditEntry loop = entry("again");
    loop.who = "ci";
    unsigned taken = 0;
    while (taken < 10'000 && log.begin(loop)) {
        ++taken;
    }
    EXPECT_GT(taken, 50U);
    EXPECT_LT(taken, 150U);
    EXPECT_EQ(log.begin(loop).error().line(),
              "the audit log has no room: entries of ci have taken their share; entries go when they are 90 days old; "
              "copy audit.db and move it away to begin a new one");
    EXPECT_TRUE(log.begin(entry("others go on")));
    EXPECT_EQ(log.last(10'000)->back().why, "the evidence");
    // The same after a restart, and there is room again when its entries have become old.
    AuditLog again(folder_, {.newest = 10, .bytes_of_one = 10'000});
    EXPECT_FALSE(again.begin(loop));
    loop.time += std::chrono::days(91);
    EXPECT_FALSE(again.begin(loop));
    EXPECT_TRUE(again.begin(loop));
}

TEST_F(AuditLogTest, AllOfThemTogetherHaveABound) {
    AuditLog log(folder_, {.bytes = 5'000});
    AuditEntry one = entry("x");
    unsigned taken = 0;
    for (; taken < 1'000; ++taken) {
        one.who = std::to_string(taken);
        if (!log.begin(one)) {
            break;
        }
    }
    EXPECT_LT(taken, 100U);
}

class RefusedCallersTest : public AuditLogTest {
protected:
    using Clock = RefusedCallers::Clock;
    static RefusedCaller stranger(int number) {
        return {"", "10.0.0." + std::to_string(number), "", "its token is not among [access]"};
    }
    std::string requests() {
        std::string text;
        const auto entries = log_.last(100);
        for (const AuditEntry& one : *entries) {
            text += one.who + " " + one.from + " " + one.request + "\n";
        }
        return text;
    }

    AuditLog log_{folder_};
    RefusedCallers refused_{log_};
    const Clock::time_point begin_ = Clock::now();
};

TEST_F(RefusedCallersTest, AreWrittenOnceAMinuteWithTheirNumber) {
    for (int i = 0; i < 1'000; ++i) {
        refused_.note(stranger(1), begin_ + std::chrono::milliseconds(i));
    }
    EXPECT_EQ(requests(), "unknown 10.0.0.1 {\"times\":1}\n") << "the first at once";
    refused_.note({"ci", "10.0.0.1", "POST /v1/fence", "its role is read, and operate is needed"}, begin_);
    refused_.tick(begin_ + std::chrono::seconds(59));
    refused_.tick(begin_ + std::chrono::seconds(60));
    EXPECT_EQ(requests(),
              "ci 10.0.0.1 {\"times\":1,\"asked\":\"POST /v1/fence\"}\nunknown 10.0.0.1 {\"times\":1000}\n");
    EXPECT_EQ(log_.last(1)->front().what, "refused");
    EXPECT_EQ(log_.last(1)->front().outcome, "refused: its role is read, and operate is needed");
    refused_.note(stranger(1), begin_ + std::chrono::seconds(61));
    EXPECT_EQ(log_.last(100)->size(), 3U);
}

TEST_F(RefusedCallersTest, ManySourcesAreOneEntryAtLast) {
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 250; ++i) {
            refused_.note(stranger(i), begin_);
        }
    }
    refused_.tick(begin_ + std::chrono::minutes(1));
    EXPECT_EQ(log_.last(100)->size(), RefusedCallers::kinds_max + 1);
    EXPECT_NE(requests().find("many many {\"times\":702}"), std::string::npos) << requests();
}

TEST_F(RefusedCallersTest, WithoutRoomTheyAreOnlyCounted) {
    AuditLog log(folder_, {.bytes_of_refused = 1'000});
    ASSERT_TRUE(log.begin(entry("the evidence")));
    RefusedCallers refused(log);
    for (int i = 0; i < 1'000; ++i) {
        refused.note(stranger(1), begin_ + i * RefusedCallers::period);
    }
    const auto entries = log.last(100);
    EXPECT_LT(entries->size(), 15U);
    EXPECT_EQ(entries->back().why, "the evidence");
    EXPECT_THAT(entries->front().request, testing::HasSubstr("\"times\":99"));
    EXPECT_TRUE(log.begin(entry("changes have their own room")));
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
