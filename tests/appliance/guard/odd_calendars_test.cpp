// Odd calendars, found and invented: what is left out, and what must be read all the same. Nothing is guessed, because
// a missed meeting allows a deploy.
#include <gmock/gmock.h>

#include "appliance/guard/calendar/calendar.hpp"
#include "appliance/guard/calendar/components.hpp"
#include "appliance/guard/calendar/meeting.hpp"
#include "tests/appliance/guard/event.hpp"

namespace appliance::guard {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string calendar(const std::string& events) {
    return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n" + events + "END:VCALENDAR\r\n";
}

core::Result<std::vector<Span>> read(const std::string& text, const std::string& zone = "UTC") {
    return read_calendar(text, *core::base::parse_time("2026-11-20T00:00:00Z"),
                         *core::base::parse_time("2026-11-30T00:00:00Z"), zone);
}

// Begin and end of each, or the one error.
std::vector<std::string> times(const std::string& text, const std::string& zone = "UTC") {
    const auto spans = read(text, zone);
    std::vector<std::string> all;
    for (const Span& span : spans ? *spans : std::vector<Span>()) {
        all.push_back(core::base::print_time(span.from).substr(5, 11) + " " +
                      core::base::print_time(span.until).substr(5, 11));
    }
    return spans ? all : std::vector<std::string>{spans.error().line()};
}

constexpr const char* hour = "DTSTART:20261122T140000Z\r\nDTEND:20261122T150000Z\r\n";
constexpr const char* daily = "DTSTART:20261120T100000Z\r\nDTEND:20261120T110000Z\r\nRRULE:FREQ=DAILY;COUNT=3\r\n";

TEST(OddCalendars, WhatSaysNothingOfTimesIsNoMatter) {
    EXPECT_THAT(times(calendar(event(std::string("DESCRIPTION:\r\nLOCATION:\r\nSTATUS:\r\nGEO:;\r\nFOO:bar\r\n") +
                                     hour + "BEGIN:VALARM\r\nTRIGGER:soon\r\nDURATION:x\r\nEND:VALARM\r\n"))),
                ElementsAre("11-22T14:00 11-22T15:00"));
    EXPECT_THAT(times("\xEF\xBB\xBF" + calendar(event(hour))), ElementsAre("11-22T14:00 11-22T15:00"));
    EXPECT_THAT(times("begin:vcalendar\nbegin:vevent\ndtstart:2026\n 1122T140000Z\nend:vevent\nend:vcalendar"),
                ElementsAre("11-22T14:00 11-22T14:01"));
}

TEST(OddCalendars, SeveralInOneFileAreAllRead) {
    EXPECT_THAT(times(calendar(event(hour)) + calendar(event("DTSTART:20261123T140000Z\r\nDURATION:PT1H\r\n"))),
                ElementsAre("11-22T14:00 11-22T15:00", "11-23T14:00 11-23T15:00"));
}

TEST(OddCalendars, TimesAtWhichPeopleAreBusyAreNotTakenForNone) {
    const std::string busy =
        "BEGIN:VFREEBUSY\r\nUID:1\r\nDTSTART:20261120T000000Z\r\nDTEND:20261201T000000Z\r\n"
        "FREEBUSY;FBTYPE=BUSY:20261122T140000Z/PT1H\r\nEND:VFREEBUSY\r\n";
    EXPECT_THAT(times(calendar(busy)), ElementsAre(HasSubstr("VFREEBUSY")));
    EXPECT_THAT(times(calendar(event(hour) + busy)), ElementsAre(HasSubstr("VFREEBUSY")));
}

TEST(OddCalendars, AReplacementWithoutAUidTakesNoMeetingAway) {
    const auto without_uid = [](const std::string& lines) { return "BEGIN:VEVENT\r\n" + lines + "END:VEVENT\r\n"; };
    const std::string moved =
        "RECURRENCE-ID:20261121T100000Z\r\nDTSTART:20261121T150000Z\r\nDTEND:20261121T160000Z\r\n";
    EXPECT_THAT(times(calendar(without_uid(daily) + without_uid(moved))),
                ElementsAre("11-20T10:00 11-20T11:00", "11-21T10:00 11-21T11:00", "11-21T15:00 11-21T16:00",
                            "11-22T10:00 11-22T11:00"));
}

TEST(OddCalendars, OneThatIsCutOffIsNoCalendar) {
    const std::string whole = calendar(event(hour)) + calendar(event(hour));
    for (std::size_t size = 0; size < whole.size() - 2; ++size) {
        const bool between = size == whole.size() / 2 || size + 2 == whole.size() / 2 || size + 1 == whole.size() / 2;
        EXPECT_EQ(read(whole.substr(0, size)).has_value(), between) << size;
    }
    EXPECT_FALSE(read(std::string(calendar(event(hour))).insert(40, 1, '\0')).has_value());
}

TEST(OddCalendars, AMeetingWithoutAnEndIsStillOne) {
    EXPECT_THAT(times(calendar(event("DTSTART:20261122T140000Z\r\n"))), ElementsAre("11-22T14:00 11-22T14:01"));
    EXPECT_THAT(times(calendar(event("DTSTART:20261122T140000Z\r\nDTEND:20261122T140000Z\r\n"))),
                ElementsAre("11-22T14:00 11-22T14:01"));
    EXPECT_THAT(times(calendar(event("DTSTART;VALUE=DATE:20261124\r\n"))), ElementsAre("11-24T00:00 11-25T00:00"));
    EXPECT_THAT(times(calendar(event("DTSTART;VALUE=DATE:20261124\r\nDURATION:P2D\r\n"))),
                ElementsAre("11-24T00:00 11-26T00:00"));
}

TEST(OddCalendars, AnUnknownZoneIsNotGuessed) {
    const std::string foo = event("DTSTART;TZID=Foo Bar Time:20261122T140000\r\nDURATION:PT1H\r\n");
    EXPECT_THAT(times(calendar(foo)).front(),
                HasSubstr("'Board' of 2026-11-22 cannot be understood: its time zone is not known: Foo Bar Time"));
    const std::string windows = event("DTSTART;TZID=W. Europe Standard Time:20261122T140000\r\nDURATION:PT1H\r\n");
    const std::string zone =
        "BEGIN:VTIMEZONE\r\nTZID:W. Europe Standard Time\r\nBEGIN:STANDARD\r\nDTSTART:16010101T000000\r\n"
        "TZOFFSETFROM:+0100\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n";
    EXPECT_THAT(times(calendar(zone + windows)), ElementsAre("11-22T13:00 11-22T14:00"));
    EXPECT_THAT(times(calendar(event("DTSTART;TZID=US/Pacific:20261122T140000\r\nDURATION:PT1H\r\n"))),
                ElementsAre("11-22T22:00 11-22T23:00"));
}

TEST(OddCalendars, PeriodsHaveTheirOwnLength) {
    constexpr const char* rest = "DTSTART:20261101T100000Z\r\nDTEND:20261101T110000Z\r\n";
    EXPECT_THAT(times(calendar(event(std::string(rest) + "RDATE;VALUE=PERIOD:20261122T120000Z/20261122T150000Z\r\n"))),
                ElementsAre("11-22T12:00 11-22T15:00"));
    EXPECT_THAT(
        times(calendar(event(std::string(rest) + "RDATE;TZID=Europe/Berlin;VALUE=PERIOD:20261122T120000/PT2H\r\n"))),
        ElementsAre("11-22T11:00 11-22T13:00"));
}

TEST(OddCalendars, AnOccurrenceMovedWithinItsZoneIsGoneFromItsOldPlace) {
    EXPECT_THAT(times(calendar(event("DTSTART;TZID=Europe/Berlin:20261120T100000\r\nDURATION:PT1H\r\n"
                                     "RRULE:FREQ=DAILY;COUNT=2\r\n") +
                               event("RECURRENCE-ID;TZID=Europe/Berlin:20261121T100000\r\n"
                                     "DTSTART;TZID=Europe/Berlin:20261121T180000\r\nDURATION:PT1H\r\n"))),
                ElementsAre("11-20T09:00 11-20T10:00", "11-21T17:00 11-21T18:00"));
}

TEST(OddCalendars, WhatCannotBeReadIsAnErrorAndNotLeftOut) {
    const std::string moved = event(daily);
    for (const std::string& events : {
             event("DTEND:20261122T140000Z\r\n"),
             event("DTSTART:20261399T140000Z\r\nDURATION:PT1H\r\n"),
             event("DTSTART:20261122T150000Z\r\nDTEND:20261122T140000Z\r\n"),
             event("DTSTART:20261122T150000Z\r\nDTEND:later\r\n"),
             event("DTSTART:20261122T150000Z\r\nDURATION:long\r\n"),
             event("DTSTART:20261122T150000Z\r\nRRULE:FREQ=SOMETIMES\r\n"),
             event("DTSTART:20261022T150000Z\r\nRRULE:FREQ=DAILY;UNTIL=20269999T000000Z\r\n"),
             event(std::string(daily) + "RRULE:FREQ=WEEKLY;BYWEEKNO=3\r\n"),
             event("DTSTART;VALUE=DATE:20261120\r\nRRULE:FREQ=HOURLY\r\n"),
             event("DTSTART:20261122T150000Z\r\nDTSTART:20261123T150000Z\r\n"),
             event(std::string(daily) + "RDATE:20261399T140000Z\r\n"),
             event(daily) + event("RECURRENCE-ID;RANGE=SOME:20261121T100000Z\r\nDTSTART:20261121T180000Z\r\n"),
         }) {
        EXPECT_FALSE(read(calendar(events)).has_value()) << events;
    }
    EXPECT_FALSE(read(calendar("BEGIN:VTODO\r\n" + event(hour) + "END:VTODO\r\n")).has_value());
}

// From here on: limits, each at and past itself.

std::string nested(std::size_t depth) {
    std::string begins;
    std::string ends;
    for (std::size_t i = 0; i < depth; ++i) {
        begins += "BEGIN:X-BOX\r\n";
        ends += "END:X-BOX\r\n";
    }
    return calendar(begins + ends + event(hour));
}

TEST(OddCalendars, NestAsDeepAsTheLimit) {
    EXPECT_TRUE(read(nested(nesting_max - 1)).has_value());
    EXPECT_FALSE(read(nested(nesting_max)).has_value());
    EXPECT_FALSE(read(nested(500'000)).has_value()) << "and no deeper than the stack";
}

TEST(OddCalendars, AnEventHasAsManyDatesAsTheLimit) {
    std::string dates = "RDATE:20261101T100000Z";
    for (std::size_t i = 1; i < dates_max; ++i) {
        dates += ",20261101T100000Z";
    }
    EXPECT_TRUE(read(calendar(event(hour + dates + "\r\n"))).has_value());
    EXPECT_FALSE(read(calendar(event(hour + dates + "\r\nEXDATE:20261101T100000Z\r\n"))).has_value());
    EXPECT_TRUE(read(calendar(event(hour + dates + "\r\n") + event(hour + dates + "\r\n"))).has_value());
}

TEST(OddCalendars, AStretchOfTimeHasAsManyMeetingsAsTheLimit) {
    const auto rule = [](std::size_t count) {
        return calendar(
            event("DTSTART:20261122T000000Z\r\nRRULE:FREQ=SECONDLY;COUNT=" + std::to_string(count) + "\r\n"));
    };
    const auto all = read(rule(meetings_max));
    ASSERT_TRUE(all.has_value()) << all.error().line();
    EXPECT_EQ(all->size(), meetings_max);
    EXPECT_FALSE(read(rule(meetings_max + 1)).has_value());
    EXPECT_THAT(times(calendar(event("DTSTART:20000101T000000Z\r\nRRULE:FREQ=DAILY;COUNT=20000\r\n"))).size(), 10U)
        << "what is not in the stretch is no matter";
}

TEST(OddCalendars, DatesThatDoNotExistAreNotFollowed) {
    for (const char* line : {"RDATE:20261399T140000Z", "RDATE;VALUE=PERIOD:20261122T120000Z/20261322T150000Z",
                             "DTEND:20261122T250000Z", "RDATE:20260931T100000Z", "RDATE:20260229"}) {
        EXPECT_THAT(times(calendar(event("DTSTART:20261120T100000Z\r\n" + std::string(line) + "\r\n"))).front(),
                    HasSubstr("cannot be understood"))
            << line;
    }
    for (const char* line : {"EXDATE:2026", "EXDATE;TZID=Foo Bar Time:20261120T100000", "RDATE:20261120T100000Z,"}) {
        EXPECT_EQ(times(calendar(event(std::string(daily) + line + "\r\n"))).size(), 3U)
            << line << ": who cannot be taken out meets";
    }
    const auto zoned = [](const std::string& part) {
        return calendar("BEGIN:VTIMEZONE\r\nTZID:X\r\nBEGIN:STANDARD\r\n" + part +
                        "TZOFFSETFROM:+0100\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n" +
                        event("DTSTART;TZID=X:20261122T140000\r\n"));
    };
    EXPECT_THAT(times(zoned("DTSTART:16010101T000000\r\n")), ElementsAre("11-22T13:00 11-22T13:01"));
    EXPECT_THAT(times(zoned("DTSTART:16010101T000000\r\nRRULE:FREQ=SECONDLY\r\n")).front(),
                HasSubstr("time zone is not known: X"));
}

TEST(OddCalendars, TakeNoMoreThanTheirSteps) {
    const std::string never = event("DTSTART:20000101T090000Z\r\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30\r\n");
    EXPECT_THAT(times(calendar(never)), IsEmpty());
    std::string many;
    for (int i = 0; i < 20'000; ++i) {
        many += never;
    }
    EXPECT_THAT(times(calendar(many)), IsEmpty());
    const std::string endless =
        event("DTSTART:20000101T000000Z\r\nRRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30;COUNT=1\r\n");
    EXPECT_THAT(times(calendar(endless)).front(), HasSubstr("'Board' of 2000-01-01 cannot be understood: its "
                                                            "recurrences take too long to follow"));
}

TEST(OddCalendars, ManyReplacementsAreHeldAgainstManyOccurrencesWithinTheirSteps) {
    const std::string master = event("DTSTART:20261120T000000Z\r\nRRULE:FREQ=MINUTELY;INTERVAL=5\r\n");
    std::string replacements;
    for (int i = 0; i < 2'000; ++i) {
        replacements += event("RECURRENCE-ID;RANGE=THISANDFUTURE:20261121T000000Z\r\nDTSTART:20261121T000000Z\r\n");
    }
    EXPECT_THAT(times(calendar(master + replacements)).front(), HasSubstr("take too long to follow"));
    std::string masters;
    for (int i = 0; i < 20'000; ++i) {
        masters += event("DTSTART:20260101T000000Z\r\n");
    }
    EXPECT_THAT(times(calendar(masters + replacements)).front(), HasSubstr("11-21T00:00"))
        << "what is over is over, however often it is replaced";
}

TEST(OddCalendars, ACalendarNamesAsManyZonesAsTheLimit) {
    const auto zones = [](std::size_t count) {
        std::string events;
        for (std::size_t i = 0; i < count; ++i) {
            events += event("DTSTART;TZID=Nowhere " + std::to_string(i) + ":20190101T000000\r\n");
        }
        return times(calendar(events + event("DTSTART;TZID=Europe/Berlin:20261122T140000\r\n")));
    };
    EXPECT_THAT(zones(zone_names_max - 1), ElementsAre("11-22T13:00 11-22T13:01"));
    EXPECT_THAT(zones(zone_names_max), ElementsAre(HasSubstr("time zone is not known: Europe/Berlin")));
}

TEST(OddCalendars, ABudgetIsSpentToTheLastStepAndNoFurther) {
    Budget budget{3};
    EXPECT_TRUE(budget.spend(2));
    EXPECT_TRUE(budget.spend());
    EXPECT_FALSE(budget.spend());
}

// Rules that libical 3.0 walked for ever, or wrote past a table for.
TEST(OddCalendars, UnusualRulesAreFollowedAsWell) {
    EXPECT_TRUE(read(calendar(event(
                         "DTSTART:00010927T130000Z\r\nRRULE:FREQ=HOURLY;BYYEARDAY=95,-204;BYDAY=5TH;BYSETPOS=260\r\n")))
                    .has_value());
    EXPECT_TRUE(read(calendar(event("DTSTART;TZID=Europe/Berlin:20001201T000000Z\r\n"
                                    "RRULE:FREQ=YEARLY;BYWEEKNO=36,21,-17,15,-31;INTERVAL=7;BYSECOND=5\r\n")))
                    .has_value());
}

TEST(OddCalendars, LongTitlesAreCutBetweenCharacters) {
    std::string title = "a";
    for (int i = 0; i < 200; ++i) {
        title += "ü";
    }
    const auto spans = read(calendar("BEGIN:VEVENT\r\nSUMMARY:" + title + "\r\n" + hour + "END:VEVENT\r\n"));
    ASSERT_EQ(spans->size(), 1U);
    EXPECT_EQ(spans->front().why, title.substr(0, 117) + "…");
    EXPECT_EQ(brief(std::string(120, 'x')), std::string(120, 'x'));
    EXPECT_EQ(brief(std::string(121, 'x')), std::string(117, 'x') + "…");
    EXPECT_EQ(brief("a\x1b[1mb\nc\x7f"), "a [1mb c ");
    EXPECT_EQ(brief("\xC3\xBC \xFF\xC3 \xED\xA0\x80 \xF0\x9F\x8E\x89"), "\xC3\xBC        \xF0\x9F\x8E\x89")
        << "what is no UTF-8 is blank";
}

TEST(MeetingList, AnEndThatCannotBeReadIsNotReplacedByADuration) {
    const auto list = [](const std::string& text) {
        return read_meeting_list(text, *core::base::parse_time("2026-11-20T00:00:00Z"),
                                 *core::base::parse_time("2026-11-30T00:00:00Z"));
    };
    EXPECT_FALSE(list(R"([{"from":"2026-11-22T14:00:00Z","until":"late","duration":"1h"}])").has_value());
    EXPECT_THAT(list(R"([{"from":"2026-11-22T14:00:00Z","duration":"1h"},{}])").error().line(),
                HasSubstr("meeting 2 of the list"));
    EXPECT_FALSE(list(std::string(1'000'000, '[') + std::string(1'000'000, ']')).has_value())
        << "no deeper than the stack";
}

}  // namespace
}  // namespace appliance::guard
