#include "appliance/guard/guard.hpp"

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "appliance/guard/bigbluebutton.hpp"
#include "tests/appliance/guard/answers.hpp"
#include "tests/appliance/guard/site.hpp"

namespace appliance::guard {
namespace {

using config::Guard;
using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;

Guard meetings_of(const std::vector<std::string>& urls) {
    Guard guard;
    guard.name = "bbb";
    guard.kind = config::GuardKind::bigbluebutton;
    for (const std::string& url : urls) {
        guard.urls.push_back({url, {}, {}});
    }
    guard.secret = "639259d4-9dd8-4b25-bf01-95f9567eaf4b";
    guard.timeout = 2s;
    return guard;
}

const core::WallTime now = *core::base::parse_time("2026-11-23T12:00:00Z");  // a Monday

Opinion opinion(const Guard& guard, core::Milliseconds length = {}) {
    return ask({guard}, now, length, now).front();
}

TEST(Guards, NoMeetingAllows) {
    const Server server(no_meetings);
    const auto said = opinion(meetings_of({server.url}));
    EXPECT_EQ(said.verdict, Verdict::allowed) << said.why;
}

TEST(Guards, ARunningMeetingBlocksAndSaysWhere) {
    const Server server(with(meeting(3) + meeting(0)));
    const auto said = opinion(meetings_of({server.url}));
    EXPECT_EQ(said.verdict, Verdict::blocked);
    EXPECT_EQ(said.why, server.url + ": 1 meeting, 3 participants");
}

TEST(Guards, TheWrongSecretIsUnknown) {
    Server server(no_meetings);
    server.site().wants = "/getMeetings?checksum=something-else";
    const auto said = opinion(meetings_of({server.url}));
    EXPECT_EQ(said.verdict, Verdict::unknown);
    EXPECT_THAT(said.why, HasSubstr("checksumError"));
}

TEST(Guards, OnlyTheRightChecksumIsSent) {
    Server server(no_meetings);
    Guard guard = meetings_of({server.url + "/bigbluebutton/api"});
    server.site().wants = "/bigbluebutton/api" + meetings_query(guard.secret, config::Checksum::sha512);
    EXPECT_EQ(opinion(guard).verdict, Verdict::unknown);
    guard.checksum = config::Checksum::sha512;
    EXPECT_EQ(opinion(guard).verdict, Verdict::allowed);
}

TEST(Guards, EmptyMeetingsCountWhereTheyShall) {
    const Server server(with(meeting(0)));
    Guard guard = meetings_of({server.url});
    EXPECT_EQ(opinion(guard).verdict, Verdict::allowed);
    guard.empty = config::EmptyMeeting::count;
    EXPECT_EQ(opinion(guard).verdict, Verdict::blocked);
}

TEST(Guards, AMeetingMayOnlyWarn) {
    const Server server(with(meeting(2)));
    Guard guard = meetings_of({server.url});
    guard.on_meeting = config::OnMeeting::warn;
    const auto said = ask({guard}, now, 0ms, now);
    EXPECT_EQ(said.front().verdict, Verdict::warned);
    EXPECT_TRUE(agree(said));
    EXPECT_THAT(summary(said), HasSubstr("bbb warned: "));
}

TEST(Guards, OfTwoServersADeadOneIsUnknownAndMeetingsAreStillTold) {
    const Server server(with(meeting(2)));
    const auto said = opinion(meetings_of({server.url, "http://127.0.0.1:1"}));
    EXPECT_EQ(said.verdict, Verdict::unknown);
    EXPECT_THAT(said.why, HasSubstr("1 meeting, 2 participants"));
    EXPECT_THAT(said.why, HasSubstr("no connection: Connection refused"));
}

TEST(Guards, AServerThatDoesNotAnswerIsUnknown) {
    Server server(no_meetings);
    server.site().silent = true;
    Guard guard = meetings_of({server.url});
    guard.timeout = 100ms;
    const auto said = opinion(guard);
    EXPECT_EQ(said.verdict, Verdict::unknown);
    EXPECT_THAT(said.why, HasSubstr("no answer in time"));
    EXPECT_THAT(said.why, Not(HasSubstr("checksum=")));
}

TEST(Guards, AnErrorOrHtmlIsUnknown) {
    const Server broken("oops", 502);
    EXPECT_THAT(opinion(meetings_of({broken.url})).why, HasSubstr("status 502"));
    const Server html("<html>Welcome to nginx<br></html>");
    EXPECT_EQ(opinion(meetings_of({html.url})).verdict, Verdict::unknown);
}

Guard windows(std::vector<const char*> allow, std::vector<const char*> forbid = {},
              std::vector<const char*> dates = {}) {
    Guard guard;
    guard.name = "nights";
    guard.kind = config::GuardKind::windows;
    for (const char* text : allow) {
        guard.allow.push_back(*config::parse_window(text));
    }
    for (const char* text : forbid) {
        guard.forbid.push_back(*config::parse_window(text));
    }
    for (const char* text : dates) {
        guard.dates.push_back(*config::parse_dates(text));
    }
    return guard;
}

TEST(Guards, AMeetingOfThisMinuteSaysNothingOfATimeToCome) {
    const Server server(with(meeting(3)));
    const auto said = ask({meetings_of({server.url})}, now + 2min, 0ms, now).front();
    EXPECT_EQ(said.verdict, Verdict::allowed);
    EXPECT_EQ(said.why, "who meets then cannot be known, the deploy asks again; now: " + server.url +
                            ": 1 meeting, 3 participants");
    EXPECT_EQ(ask({meetings_of({server.url})}, now + 1min, 0ms, now).front().verdict, Verdict::blocked);
    const auto dead = ask({meetings_of({"http://127.0.0.1:1"})}, now + 2min, 0ms, now).front();
    EXPECT_EQ(dead.verdict, Verdict::warned) << "the deploy may find it mended";
}

TEST(Guards, TellTimesInTheirOwnZoneAndWindowsInWholeMinutes) {
    Guard guard = windows({}, {"Mon 06:00-07:00"});
    guard.timezone = "Europe/Berlin";
    const auto from = *core::base::parse_time("2026-11-23T04:59:01Z");
    const auto said = ask({guard}, from, 2min, now).front();
    EXPECT_EQ(said.why, "2026-11-23 06:00 CET is a forbidden window");
    EXPECT_EQ(core::base::print_time(*said.until), "2026-11-23T06:00:00Z");
    EXPECT_EQ(print_local({windows({"daily 00:00-24:00"}), guard}, *said.until), "2026-11-23 07:00 CET");
    EXPECT_EQ(print_local({}, *said.until), "2026-11-23 06:00 UTC");
}

TEST(Guards, AWindowAllowsWhatFitsIntoIt) {
    const Guard guard = windows({"Mon 11:00-13:00"});
    EXPECT_EQ(opinion(guard, 60min).verdict, Verdict::allowed);
    const auto said = opinion(guard, 61min);
    EXPECT_EQ(said.verdict, Verdict::blocked);
    EXPECT_EQ(core::base::print_time(*said.until), "2026-11-30T11:00:00Z");
}

TEST(Guards, ForbiddenWindowsAndDaysBlock) {
    EXPECT_EQ(opinion(windows({}, {"daily 12:00-13:00"})).verdict, Verdict::blocked);
    EXPECT_EQ(opinion(windows({}, {"daily 13:00-14:00"})).verdict, Verdict::allowed);
    EXPECT_EQ(opinion(windows({}, {"daily 13:00-14:00"}), 2h).verdict, Verdict::blocked);
    const auto said = opinion(windows({}, {}, {"2026-11-20..2026-11-23"}));
    EXPECT_EQ(said.verdict, Verdict::blocked);
    EXPECT_EQ(core::base::print_time(*said.until), "2026-11-24T00:00:00Z");
}

class ScheduleTest : public testing::Test {
protected:
    ScheduleTest() {
        std::string name = "/tmp/gatehouse-guard-XXXXXX";
        folder_ = ::mkdtemp(name.data());
        guard_.name = "calendar";
        guard_.kind = config::GuardKind::schedule;
        guard_.source.url = folder_ / "meetings.json";
    }
    ~ScheduleTest() override { std::filesystem::remove_all(folder_); }
    void write(const std::string& text) const { std::ofstream(guard_.source.url) << text; }

    std::filesystem::path folder_;
    Guard guard_;
};

TEST_F(ScheduleTest, AMeetingBlocksWithItsMargin) {
    write(R"([{"from": "2026-11-23T13:30:00Z", "duration": "1h", "what": "Board"}])");
    EXPECT_EQ(opinion(guard_, 29min).verdict, Verdict::allowed);
    const auto said = opinion(guard_, 31min);
    EXPECT_EQ(said.verdict, Verdict::blocked);
    EXPECT_THAT(said.why, HasSubstr("Board from 2026-11-23 13:30 UTC to 2026-11-23 14:30 UTC, 1h before"));
    EXPECT_EQ(core::base::print_time(*said.until), "2026-11-23T15:30:00Z");
    guard_.margin = 0ms;
    EXPECT_EQ(opinion(guard_, 89min).verdict, Verdict::allowed);
}

TEST_F(ScheduleTest, AMeetingThatBeginsAtTheVeryMomentBlocksWithoutALengthToo) {
    guard_.margin = 0ms;
    write(R"([{"from": "2026-11-23T12:00:00Z", "duration": "1h", "what": "Board"}])");
    EXPECT_EQ(opinion(guard_).verdict, Verdict::blocked);
    write(
        "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20261123T120000Z\r\n"
        "DTEND:20261123T130000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n");
    EXPECT_EQ(opinion(guard_).verdict, Verdict::blocked);
    EXPECT_EQ(ask({guard_}, now - 1s, 1s, now).front().verdict, Verdict::allowed) << "over when it begins";
}

TEST_F(ScheduleTest, AZoneThatCannotBeReadIsUnknownAndNeverUtc) {
    Guard guard = windows({"daily 11:00-13:00"});
    guard.timezone = guard_.timezone = "Europe/Nowhere";
    write("[]");
    for (const Guard& one : {guard, guard_}) {
        const auto outlook = look({one}, now, 1h, now);
        EXPECT_EQ(outlook.opinions.front().verdict, Verdict::unknown);
        EXPECT_THAT(outlook.opinions.front().why, HasSubstr("time zone Europe/Nowhere"));
        EXPECT_FALSE(outlook.next_free);
    }
}

TEST_F(ScheduleTest, ReadsACalendarOverHttp) {
    const Server server(
        "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20261123T120000Z\r\n"
        "DTEND:20261123T130000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n");
    guard_.source.url = server.url + "/meetings.ics";
    EXPECT_EQ(opinion(guard_).verdict, Verdict::blocked);
}

TEST_F(ScheduleTest, WhatCannotBeReadIsUnknownAndThereIsNoFreeWindow) {
    EXPECT_EQ(opinion(guard_).verdict, Verdict::unknown);
    write("not yet");
    EXPECT_EQ(opinion(guard_).verdict, Verdict::unknown);
    EXPECT_FALSE(look({guard_}, now, 1h, now).next_free.has_value());
}

TEST_F(ScheduleTest, TheNextFreeWindowHeedsAllOfThem) {
    write(R"([{"from": "2026-11-23T14:00:00Z", "duration": "1h"}])");
    const Guard allowed = windows({"Mon 12:00-18:00"});
    EXPECT_EQ(core::base::print_time(*look({guard_, allowed}, now, 1h, now).next_free), "2026-11-23T12:00:00Z");
    EXPECT_EQ(core::base::print_time(*look({guard_, allowed}, now, 90min, now).next_free), "2026-11-23T16:00:00Z");
    EXPECT_EQ(core::base::print_time(*look({guard_, allowed}, now, 3h, now).next_free), "2026-11-30T12:00:00Z");
    EXPECT_FALSE(look({guard_, allowed}, now, 7h, now).next_free.has_value());
}

TEST_F(ScheduleTest, AMeetingWithinAnotherEndsNothing) {
    guard_.margin = 0ms;
    write(R"([{"from": "2026-11-23T12:10:00Z", "duration": "5m"}, {"from": "2026-11-23T11:00:00Z", "duration": "3h"},
              {"from": "2026-11-23T14:30:00Z", "duration": "1m"}])");
    EXPECT_EQ(core::base::print_time(*look({guard_}, now, 30min, now).next_free), "2026-11-23T14:00:00Z");
    EXPECT_EQ(core::base::print_time(*look({guard_}, now, 31min, now).next_free), "2026-11-23T14:31:00Z");
}

TEST(Guards, WithoutAnyEverythingIsAllowed) {
    EXPECT_TRUE(agree({}));
    EXPECT_EQ(summary({}), "no guard is configured");
}

}  // namespace
}  // namespace appliance::guard
