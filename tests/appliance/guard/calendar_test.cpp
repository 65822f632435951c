#include "appliance/guard/calendar/calendar.hpp"

#include <gmock/gmock.h>

#include "appliance/config/values/window.hpp"
#include "tests/appliance/guard/event.hpp"

namespace appliance::guard {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

core::WallTime at(const std::string& text) {
    const auto time = core::base::parse_time(text);
    EXPECT_TRUE(time.has_value()) << text;
    return time.value_or(core::WallTime());
}

// Begin and end of each event between two moments, with what it is.
std::vector<std::string> events(const std::string& body, const std::string& from, const std::string& until,
                                const std::string& zone = "Europe/Berlin") {
    const auto spans =
        read_calendar("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n" + body + "END:VCALENDAR\r\n", at(from), at(until), zone);
    if (!spans) {
        return {spans.error().line()};
    }
    std::vector<std::string> all;
    for (const Span& span : *spans) {
        all.push_back(core::base::print_time(span.from).substr(5, 11) + " " +
                      core::base::print_time(span.until).substr(5, 11) + " " + span.why);
    }
    return all;
}

TEST(Calendar, ReadsASingleEvent) {
    EXPECT_THAT(events(event("DTSTART:20261122T140000Z\r\nDTEND:20261122T150000Z\r\n"), "2026-11-22T00:00:00Z",
                       "2026-11-23T00:00:00Z"),
                ElementsAre("11-22T14:00 11-22T15:00 Board"));
}

TEST(Calendar, LeavesOutWhatIsElsewhere) {
    const auto one = event("DTSTART:20261122T140000Z\r\nDTEND:20261122T150000Z\r\n");
    EXPECT_THAT(events(one, "2026-11-22T15:00:00Z", "2026-11-22T16:00:00Z"), IsEmpty());
    EXPECT_THAT(events(one, "2026-11-22T14:59:59Z", "2026-11-22T16:00:00Z").size(), 1U);
    EXPECT_THAT(events(one, "2026-11-22T13:00:00Z", "2026-11-22T14:00:00Z"), IsEmpty());
}

TEST(Calendar, TakesADurationForAnEnd) {
    EXPECT_THAT(
        events(event("DTSTART:20261122T140000Z\r\nDURATION:PT90M\r\n"), "2026-11-22T00:00:00Z", "2026-11-23T00:00:00Z"),
        ElementsAre("11-22T14:00 11-22T15:30 Board"));
}

TEST(Calendar, AWeeklyMeetingKeepsItsLocalTimeWhenTheClocksChange) {
    // Central European Summer Time ends on 2026-10-25.
    EXPECT_THAT(
        events(event("DTSTART;TZID=Europe/Berlin:20261019T100000\r\nDTEND;TZID=Europe/Berlin:20261019T110000\r\n"
                     "RRULE:FREQ=WEEKLY\r\n"),
               "2026-10-19T00:00:00Z", "2026-10-27T00:00:00Z", "UTC"),
        ElementsAre("10-19T08:00 10-19T09:00 Board", "10-26T09:00 10-26T10:00 Board"));
}

TEST(Calendar, LeavesOutExceptionsAndAddsDates) {
    EXPECT_THAT(events(event("DTSTART:20261102T100000Z\r\nDTEND:20261102T110000Z\r\nRRULE:FREQ=DAILY;COUNT=4\r\n"
                             "EXDATE:20261103T100000Z\r\nRDATE:20261110T120000Z\r\n"),
                       "2026-11-01T00:00:00Z", "2026-11-30T00:00:00Z"),
                ElementsAre("11-02T10:00 11-02T11:00 Board", "11-04T10:00 11-04T11:00 Board",
                            "11-05T10:00 11-05T11:00 Board", "11-10T12:00 11-10T13:00 Board"));
}

TEST(Calendar, AMovedOccurrenceIsWhereItWasMovedTo) {
    EXPECT_THAT(events(event("DTSTART:20261102T100000Z\r\nDTEND:20261102T110000Z\r\nRRULE:FREQ=DAILY;COUNT=2\r\n") +
                           event("RECURRENCE-ID:20261103T100000Z\r\nDTSTART:20261103T160000Z\r\n"
                                 "DTEND:20261103T170000Z\r\n"),
                       "2026-11-01T00:00:00Z", "2026-11-30T00:00:00Z"),
                ElementsAre("11-02T10:00 11-02T11:00 Board", "11-03T16:00 11-03T17:00 Board"));
}

TEST(Calendar, ACancelledOccurrenceIsGone) {
    EXPECT_THAT(events(event("DTSTART:20261102T100000Z\r\nDTEND:20261102T110000Z\r\nRRULE:FREQ=DAILY;COUNT=2\r\n") +
                           event("RECURRENCE-ID:20261103T100000Z\r\nDTSTART:20261103T100000Z\r\nSTATUS:CANCELLED\r\n"),
                       "2026-11-01T00:00:00Z", "2026-11-30T00:00:00Z"),
                ElementsAre("11-02T10:00 11-02T11:00 Board"));
}

TEST(Calendar, CancelledAndTransparentEventsForbidNothing) {
    EXPECT_THAT(events(event("DTSTART:20261122T140000Z\r\nDTEND:20261122T150000Z\r\nSTATUS:CANCELLED\r\n") +
                           event("DTSTART:20261122T140000Z\r\nDTEND:20261122T150000Z\r\nTRANSP:TRANSPARENT\r\n"),
                       "2026-11-22T00:00:00Z", "2026-11-23T00:00:00Z"),
                IsEmpty());
}

TEST(Calendar, AWholeDayIsADayOfTheZone) {
    EXPECT_THAT(events(event("DTSTART;VALUE=DATE:20261124\r\nDTEND;VALUE=DATE:20261125\r\n"), "2026-11-20T00:00:00Z",
                       "2026-11-30T00:00:00Z"),
                ElementsAre("11-23T23:00 11-24T23:00 Board"));
}

TEST(Calendar, ATimeWithoutAZoneIsOfTheZone) {
    EXPECT_THAT(events(event("DTSTART:20261122T140000\r\nDTEND:20261122T150000\r\n"), "2026-11-20T00:00:00Z",
                       "2026-11-30T00:00:00Z"),
                ElementsAre("11-22T13:00 11-22T14:00 Board"));
}

TEST(Calendar, WhatIsNoCalendarIsAnError) {
    for (const char* text : {"", "<html></html>", "BEGIN:VEVENT\r\nEND:VEVENT\r\n", "BEGIN:VCALENDAR"}) {
        const auto read = read_calendar(text, at("2026-11-22T00:00:00Z"), at("2026-11-23T00:00:00Z"), "UTC");
        EXPECT_FALSE(read.has_value()) << text;
    }
    EXPECT_THAT(events(event("DTSTART:tomorrow\r\n"), "2026-11-22T00:00:00Z", "2026-11-23T00:00:00Z").front(),
                HasSubstr("'Board' of an unreadable day cannot be understood"));
}

TEST(Calendar, AnEmptyCalendarHasNoMeeting) {
    EXPECT_THAT(events("", "2026-11-22T00:00:00Z", "2026-11-23T00:00:00Z"), IsEmpty());
}

std::size_t listed(const std::string& text) {
    const auto spans = read_meeting_list(text, at("2026-11-22T00:00:00Z"), at("2026-11-23T00:00:00Z"));
    return spans ? spans->size() : 999;
}

TEST(MeetingList, ReadsEndsAndDurations) {
    EXPECT_EQ(listed("[]"), 0U);
    EXPECT_EQ(listed(R"([{"from":"2026-11-22T14:00:00Z","until":"2026-11-22T15:00:00+01:00"}])"), 999U)
        << "ends when it begins";
    EXPECT_EQ(listed(R"([{"from":"2026-11-22T14:00:00Z","until":"2026-11-22T15:00:00Z"},
                         {"from":"2026-11-22T14:00:00+01:00","duration":"1h","what":"x"},
                         {"from":"2026-11-25T14:00:00Z","duration":"1h"}])"),
              2U);
}

TEST(MeetingList, WhatIsNoneIsAnError) {
    for (const char* text :
         {"{}", "[1]", R"([{"from":"soon","duration":"1h"}])", R"([{"from":"2026-11-22T14:00:00Z"}])"}) {
        EXPECT_EQ(listed(text), 999U) << text;
    }
    EXPECT_EQ(listed(R"([{"from":"2019-11-22T14:00:00Z","until":"2019-11-22T13:00:00Z"},
                         {"from":"2026-10-01T14:00:00Z","until":"soon"},
                         {"from":"2026-11-22T14:00:00Z","duration":"1h"}])"),
              1U)
        << "what is wrong with one that is long over is no matter";
    EXPECT_EQ(listed(R"([{"from":"2026-11-01T14:00:00Z","until":"soon"}])"), 999U) << "it may go on";
    std::string many = "[";
    for (std::size_t i = 0; i < meetings_max; ++i) {
        many += R"({"from":"2026-11-22T14:00:00Z","duration":"1h"},)";
    }
    many.back() = ']';
    EXPECT_EQ(listed(many), meetings_max);
    many.back() = ',';
    EXPECT_EQ(listed(many + R"({"from":"2026-11-22T14:00:00Z","duration":"1h"}])"), 999U);
}

TEST(LocalTimes, FollowTheClocks) {
    const Zone berlin = *system_zone("Europe/Berlin");
    const auto summer = local_time(at("2026-10-24T22:30:00Z"), berlin);
    EXPECT_EQ(summer.date, 20261025);
    EXPECT_EQ(summer.minute, 6 * 1440U + 30);
    EXPECT_EQ(local_time(at("2026-10-25T22:30:00Z"), berlin).minute, 6 * 1440U + 23 * 60 + 30);
    EXPECT_EQ(local_time(at("2026-11-23T00:00:00Z"), Zone()).minute, 0U) << "a Monday";
}

unsigned minute(unsigned day, unsigned hour) {
    return day * 1440 + hour * 60;
}

TEST(Windows, HoldTheirMinutesAndNoOthers) {
    const auto window = *config::parse_window("Mon-Fri 06:00-08:00");
    EXPECT_TRUE(window.holds(minute(0, 6)));
    EXPECT_TRUE(window.holds(minute(4, 8) - 1));
    EXPECT_FALSE(window.holds(minute(4, 8)));
    EXPECT_FALSE(window.holds(minute(5, 7)));
}

TEST(Windows, GoOnIntoTheNextDayAndTheNextWeek) {
    const auto window = *config::parse_window("Fri,Sun 22:00-06:00");
    EXPECT_TRUE(window.holds(minute(5, 5)));
    EXPECT_TRUE(window.holds(minute(0, 5))) << "Monday morning";
    EXPECT_FALSE(window.holds(minute(0, 6)));
    EXPECT_FALSE(window.holds(minute(6, 5)));
}

TEST(Windows, AreUnderstoodOrRefused) {
    for (const char* good : {"daily 00:00-24:00", "Sat-Mon 10:00-11:00", "Mon,Wed-Thu 01:00-02:00"}) {
        EXPECT_TRUE(config::parse_window(good).has_value()) << good;
    }
    for (const char* bad : {"", "Mon", "Mon 6-8", "Mon 06:00", "Mon 06:00-06:00", "Mon 24:00-25:00", "Mon 06:60-07:00",
                            "monday 06:00-07:00", "Mon- 06:00-07:00", "Mon 06:00-24:01"}) {
        EXPECT_FALSE(config::parse_window(bad).has_value()) << bad;
    }
    EXPECT_EQ(config::parse_dates("2026-12-20..2027-01-06")->until, 20270106);
    EXPECT_EQ(config::parse_dates("2026-12-24")->from, 20261224);
    for (const char* bad : {"2026-13-01", "2026-02-30", "2027-01-06..2026-12-20", "24.12.2026"}) {
        EXPECT_FALSE(config::parse_dates(bad).has_value()) << bad;
    }
}

}  // namespace
}  // namespace appliance::guard
