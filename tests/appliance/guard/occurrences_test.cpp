// When people meet: each date with its own zone and type, and exceptions by the occurrence that they name. Also what
// one event that is not understood does to the others.
#include <gmock/gmock.h>

#include "appliance/guard/calendar/calendar.hpp"
#include "appliance/guard/calendar/zone.hpp"
#include "tests/appliance/guard/event.hpp"

namespace appliance::guard {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// Begin of each occurrence between two days of UTC, or the one error.
std::vector<std::string> begins(const std::string& body, const std::string& from, const std::string& until,
                                const std::string& zone = "Europe/Berlin") {
    const auto spans = read_calendar("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n" + body + "END:VCALENDAR\r\n",
                                     *core::base::parse_time(from + "T00:00:00Z"),
                                     *core::base::parse_time(until + "T00:00:00Z"), zone);
    std::vector<std::string> all;
    for (const Span& span : spans ? *spans : std::vector<Span>()) {
        all.push_back(core::base::print_time(span.from).substr(5, 11));
    }
    return spans ? all : std::vector<std::string>{spans.error().line()};
}

std::vector<std::string> in_november(const std::string& body) {
    return begins(body, "2026-11-16", "2026-12-07");
}

constexpr const char* new_york = "DTSTART;TZID=America/New_York:20261123T100000\r\nDURATION:PT1H\r\n";
constexpr const char* berlin = "DTSTART;TZID=Europe/Berlin:20261123T100000\r\nDURATION:PT1H\r\n";

TEST(Occurrences, AnAddedDateIsOfItsOwnZone) {
    const std::string added = event(new_york + std::string("RDATE;TZID=America/New_York:20261125T100000\r\n"));
    EXPECT_THAT(in_november(added), ElementsAre("11-23T15:00", "11-25T15:00"));
    EXPECT_THAT(in_november("BEGIN:VTIMEZONE\r\nTZID:America/New_York\r\nBEGIN:STANDARD\r\nDTSTART:20071104T020000\r\n"
                            "TZOFFSETFROM:-0400\r\nTZOFFSETTO:-0500\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n" +
                            added),
                ElementsAre("11-23T15:00", "11-25T15:00"));
    EXPECT_THAT(in_november(event(new_york + std::string("RDATE;TZID=Asia/Tokyo:20261125T100000\r\n"))),
                ElementsAre("11-23T15:00", "11-25T01:00"));
    EXPECT_THAT(in_november(event(new_york + std::string("RDATE:20261125T100000\r\nRDATE;VALUE=DATE:20261127\r\n"))),
                ElementsAre("11-23T15:00", "11-25T15:00", "11-27T05:00"));
}

TEST(Occurrences, UntilADateIsThatDayInTheZoneOfTheBeginning) {
    EXPECT_THAT(in_november(event(berlin + std::string("RRULE:FREQ=WEEKLY;UNTIL=20261130\r\n"))),
                ElementsAre("11-23T09:00", "11-30T09:00"));
    EXPECT_THAT(in_november(event(berlin + std::string("RRULE:FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20261202\r\n"))),
                ElementsAre("11-23T09:00", "11-25T09:00", "11-30T09:00", "12-02T09:00"));
    EXPECT_THAT(in_november(event(new_york + std::string("RRULE:FREQ=DAILY;UNTIL=20261124T150000Z\r\n"))),
                ElementsAre("11-23T15:00", "11-24T15:00"));
    EXPECT_THAT(in_november(event(new_york + std::string("RRULE:FREQ=DAILY;UNTIL=20261124T145959Z\r\n"))),
                ElementsAre("11-23T15:00"));
    EXPECT_THAT(in_november(event(new_york + std::string("RRULE:FREQ=DAILY;UNTIL=20261124T100000\r\n"))),
                ElementsAre("11-23T15:00", "11-24T15:00"));
    EXPECT_THAT(in_november(event("DTSTART;VALUE=DATE:20261123\r\nRRULE:FREQ=DAILY;UNTIL=20261123T230000Z\r\n")),
                ElementsAre("11-22T23:00", "11-23T23:00"));
}

TEST(Occurrences, ATimeThatDoesNotExistIsReadBeforeTheGapAndOneThatExistsTwiceIsTheFirst) {
    constexpr const char* night =
        "DTSTART;TZID=Europe/Berlin:20260328T023000\r\nDURATION:PT10M\r\nRRULE:FREQ=DAILY\r\n";
    EXPECT_THAT(begins(event(night), "2026-03-28", "2026-03-31"),
                ElementsAre("03-28T01:30", "03-29T01:30", "03-30T00:30"));
    EXPECT_THAT(begins(event(night), "2026-10-24", "2026-10-27"),
                ElementsAre("10-24T00:30", "10-25T00:30", "10-26T01:30"));
    EXPECT_THAT(begins(event("DTSTART;TZID=Europe/Berlin:20260328T023000\r\nRRULE:FREQ=DAILY;COUNT=2\r\n"),
                       "2026-03-27", "2026-04-05"),
                ElementsAre("03-28T01:30", "03-29T01:30", "03-30T00:30"))
        << "RFC 5545 3.3.10 does not count the one that does not exist; it is kept all the same";
}

TEST(Occurrences, AnEndThatTheClocksMoveIsTheLaterOne) {
    const auto spans = read_calendar(
        "BEGIN:VCALENDAR\r\n" +
            event("DTSTART;TZID=Europe/Berlin:20261023T220000\r\nDTEND;TZID=Europe/Berlin:20261024T060000\r\n"
                  "RRULE:FREQ=DAILY;COUNT=3\r\n") +
            "END:VCALENDAR\r\n",
        *core::base::parse_time("2026-10-25T00:00:00Z"), *core::base::parse_time("2026-10-25T12:00:00Z"), "UTC");
    ASSERT_EQ(spans->size(), 1U);
    EXPECT_EQ(core::base::print_time(spans->front().until), "2026-10-25T05:00:00Z") << "the clock shows 06:00";
}

TEST(Occurrences, AnExceptionOfAnotherTypeTakesOutItsDay) {
    constexpr const char* days = "DTSTART;VALUE=DATE:20261123\r\nRRULE:FREQ=DAILY;COUNT=3\r\n";
    EXPECT_THAT(in_november(event(days + std::string("EXDATE;TZID=W. Europe Standard Time:20261124T000000\r\n"))),
                ElementsAre("11-22T23:00", "11-24T23:00"));
    EXPECT_THAT(in_november(event(days + std::string("EXDATE:20261123T230000Z\r\n"))),
                ElementsAre("11-22T23:00", "11-24T23:00"));
    EXPECT_THAT(
        in_november(event(new_york + std::string("RRULE:FREQ=DAILY;COUNT=3\r\nEXDATE;VALUE=DATE:20261124\r\n"))),
        ElementsAre("11-23T15:00", "11-25T15:00"));
    EXPECT_THAT(in_november(event(new_york + std::string("RRULE:FREQ=DAILY;COUNT=3\r\nEXDATE:20261124T100000\r\n"))),
                ElementsAre("11-23T15:00", "11-25T15:00"));
    EXPECT_THAT(in_november(event(new_york + std::string("RRULE:FREQ=DAILY;COUNT=3\r\n"
                                                         "EXDATE;TZID=Europe/Berlin:20261124T160000\r\n"))),
                ElementsAre("11-23T15:00", "11-25T15:00"));
    EXPECT_THAT(in_november(event(days) + event("RECURRENCE-ID;TZID=Europe/Berlin:20261124T000000\r\n"
                                                "DTSTART;VALUE=DATE:20261128\r\n")),
                ElementsAre("11-22T23:00", "11-24T23:00", "11-27T23:00"));
}

TEST(Occurrences, AReplacementDoesNotRecur) {
    EXPECT_THAT(in_november(event(berlin + std::string("RRULE:FREQ=DAILY;COUNT=3\r\n")) +
                            event("RECURRENCE-ID;TZID=Europe/Berlin:20261124T100000\r\n"
                                  "DTSTART;TZID=Europe/Berlin:20261124T180000\r\nRRULE:FREQ=DAILY;COUNT=3\r\n")),
                ElementsAre("11-23T09:00", "11-24T17:00", "11-25T09:00"));
}

TEST(Occurrences, AReplacementOfAllLaterOnesMovesThemAsFar) {
    const std::string master = event(berlin + std::string("RRULE:FREQ=DAILY;COUNT=4\r\n"));
    const std::string moved = event(
        "RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Berlin:20261124T100000\r\n"
        "DTSTART;TZID=Europe/Berlin:20261124T180000\r\nDURATION:PT1H\r\n");
    EXPECT_THAT(in_november(master + moved), ElementsAre("11-23T09:00", "11-24T17:00", "11-25T17:00", "11-26T17:00"));
    EXPECT_THAT(in_november(moved + master + event("RECURRENCE-ID:20261125T090000Z\r\nDTSTART:20261125T120000Z\r\n")),
                ElementsAre("11-23T09:00", "11-24T17:00", "11-25T12:00", "11-26T17:00"));
    EXPECT_THAT(in_november(master + event("RECURRENCE-ID;RANGE=THISANDFUTURE:20261124T090000Z\r\n"
                                           "DTSTART:20261124T090000Z\r\nSTATUS:CANCELLED\r\n")),
                ElementsAre("11-23T09:00"));
    EXPECT_THAT(in_november(master + event("RECURRENCE-ID;RANGE=THISANDPRIOR:20261124T090000Z\r\n"
                                           "DTSTART:20261124T080000Z\r\n")),
                ElementsAre("11-23T08:00", "11-24T08:00", "11-25T09:00", "11-26T09:00"));
}

TEST(Occurrences, SeveralRulesAddUpAndExceptingOnesTakeAway) {
    EXPECT_THAT(in_november(event(berlin + std::string("RRULE:FREQ=DAILY;COUNT=2\r\nRRULE:FREQ=WEEKLY;COUNT=2\r\n"))),
                ElementsAre("11-23T09:00", "11-24T09:00", "11-30T09:00"));
    EXPECT_THAT(in_november(event(berlin + std::string("RRULE:FREQ=DAILY;COUNT=4\r\n"
                                                       "EXRULE:FREQ=WEEKLY;BYDAY=TU,TH\r\n"))),
                ElementsAre("11-23T09:00", "11-25T09:00"));
}

// One that is not understood.

constexpr const char* good = "DTSTART:20261122T140000Z\r\nDURATION:PT1H\r\n";

TEST(Occurrences, AnEventThatCannotLieNearIsNoMatterWhateverIsWrongWithIt) {
    for (const char* bad :
         {"DTSTART:20190122T140000Z\r\nDTEND:20190122T130000Z\r\n", "DTSTART:20190122T140000Z\r\nDURATION:-PT1H\r\n",
          "DTSTART:20190122T140000Z\r\nDURATION:long\r\n", "DTSTART;TZID=Foo Bar Time:20190122T140000\r\n",
          "DTSTART;TZID=Foo Bar Time:20190122T140000\r\nRRULE:FREQ=DAILY;UNTIL=20190201T000000Z\r\n",
          "DTSTART:20190122T140000Z\r\nRRULE:FREQ=MINUTELY;COUNT=5\r\n",
          "DTSTART:20190122T140000Z\r\nRRULE:FREQ=DAILY;BYMOON=1;UNTIL=20190201\r\n",
          "DTSTART:20270122T140000Z\r\nRRULE:FREQ=SOMETIMES\r\n", "DTSTART:tomorrow\r\nSTATUS:CANCELLED\r\n"}) {
        EXPECT_THAT(in_november(event(good) + event(bad)), ElementsAre("11-22T14:00")) << bad;
    }
}

TEST(Occurrences, AnEventThatMayLieNearIsNamed) {
    for (const char* bad :
         {"DTSTART:20261122T140000Z\r\nDTEND:20261122T130000Z\r\n", "DTSTART:20261122T140000Z\r\nDURATION:-PT1H\r\n",
          "DTSTART;TZID=Foo Bar Time:20261207T140000\r\n", "DTSTART;TZID=Foo Bar Time:20261115T140000\r\n",
          "DTSTART:20261101T140000Z\r\nDTEND:later\r\n",
          "DTSTART;TZID=Foo Bar Time:20190122T140000\r\nRRULE:FREQ=DAILY\r\n",
          "DTSTART:20190122T140000Z\r\nRRULE:FREQ=DAILY;BYMOON=1;UNTIL=20261120\r\n",
          "DTSTART:20190122T140000Z\r\nRDATE;TZID=Foo Bar Time:20261122T140000\r\n", "DTSTART:tomorrow\r\n"}) {
        EXPECT_THAT(in_november(event(good) + event(bad)), ElementsAre(HasSubstr("cannot be understood"))) << bad;
    }
    EXPECT_THAT(in_november(event("DTSTART:20261122T140000Z\r\nDURATION:-PT1H\r\n")).front(),
                HasSubstr("'Board' of 2026-11-22 cannot be understood: it ends before it begins"));
}

TEST(Occurrences, WhereTheMeaningIsClearTheFormIsNoMatter) {
    EXPECT_THAT(in_november("BEGIN:VEVENT \r\nDTSTART:20261122T140000Z\r\nEND:VEVENT\t\r\n"),
                ElementsAre("11-22T14:00"));
    for (const char* lenient : {"DTSTART;TZID=Europe/Berlin:20261122T150000\r\nDTEND:20261122T160000\r\n",
                                "DTSTART;TZID=Europe/Berlin:20261122T150000\r\nDTEND;VALUE=DATE:20261123\r\n",
                                "DTSTART;TZID=Europe/Berlin:20261122T150000\r\nDTEND;VALUE=DATE:20261122\r\n",
                                "DTSTART:20261122T140000Z\r\nDTEND:20261122T240000Z\r\n",
                                "DTSTART:20261122T140000Z\r\nRRULE:FREQ=DAILY;COUNT=1;\r\n",
                                "dtstart:20261122t140000z\r\nrrule:freq=daily;count=1\r\n"}) {
        EXPECT_THAT(in_november(event(lenient)), ElementsAre("11-22T14:00")) << lenient;
    }
    EXPECT_THAT(in_november(event("DTSTART:20261121T240000Z\r\n")), ElementsAre("11-22T00:00"));
}

TEST(Occurrences, Utf16IsReadInBothOrders) {
    const std::string text = "BEGIN:VCALENDAR\r\n" + event(good) + "END:VCALENDAR\r\n";
    for (const bool big : {false, true}) {
        for (const bool marked : {false, true}) {
            std::string wide = !marked ? "" : big ? "\xFE\xFF" : "\xFF\xFE";
            for (const char c : text) {
                wide += big ? std::string{'\0', c} : std::string{c, '\0'};
            }
            const auto spans = read_calendar(wide, *core::base::parse_time("2026-11-22T00:00:00Z"),
                                             *core::base::parse_time("2026-11-23T00:00:00Z"), "UTC");
            ASSERT_TRUE(spans.has_value()) << spans.error().line();
            EXPECT_EQ(spans->size(), 1U);
        }
    }
}

TEST(Occurrences, ZonesAreKnownByTheNamesThatProgramsGiveThem) {
    const auto zoned = [](const std::string& name) {
        return in_november(event("DTSTART;TZID=" + name + ":20261122T140000\r\n"));
    };
    for (const char* name :
         {"W. Europe Standard Time", "Europe/Berlin", "/freeassociation.sourceforge.net/Europe/Berlin",
          "\"/mozilla.org/20070129_1/Europe/Berlin\"", "/freeassociation.sourceforge.net/Tzfile/Europe/Berlin"}) {
        EXPECT_THAT(zoned(name), ElementsAre("11-22T13:00")) << name;
    }
    for (const char* name : {"UTC", "tzone://Microsoft/Utc", "\"tzone://Microsoft/Utc\"", "Etc/UTC", "GMT"}) {
        EXPECT_THAT(zoned(name), ElementsAre("11-22T14:00")) << name;
    }
    EXPECT_THAT(zoned("India Standard Time"), ElementsAre("11-22T08:30"));
    EXPECT_THAT(zoned("America/Indiana/Knox"), ElementsAre("11-22T20:00"));
    EXPECT_THAT(zoned("Foo Bar Time"), ElementsAre(HasSubstr("Foo Bar Time")));
}

TEST(Zones, EachOfWindowsIsOneOfTheSystem) {
    for (const char* name : {"Pacific Standard Time", "AUS Eastern Standard Time", "UTC-11", "Nepal Standard Time",
                             "Argentina Standard Time", "South Sudan Standard Time"}) {
        const auto names = other_zone_names(name);
        EXPECT_TRUE(std::any_of(names.begin(), names.end(), [](std::string_view one) {
            return system_zone(std::string(one)) != nullptr;
        })) << name;
    }
    EXPECT_THAT(other_zone_names("Asia/Calcutta"), Contains("Asia/Kolkata"));
    EXPECT_THAT(other_zone_names("Foo Bar Time"), IsEmpty());
}

TEST(Zones, FollowTheirRulesIntoTheFuture) {
    const Zone zone = *system_zone("Europe/Berlin");
    EXPECT_EQ(zone.print(*core::base::parse_time("2099-07-01T10:00:00Z")), "2099-07-01 12:00 CEST");
    EXPECT_EQ(zone.print(*core::base::parse_time("2099-12-01T10:00:05Z")), "2099-12-01 11:00:05 CET");
    EXPECT_EQ(system_zone("Asia/Kathmandu")->print(*core::base::parse_time("2026-12-01T10:00:00Z")),
              "2026-12-01 15:45 +0545");
    EXPECT_EQ(system_zone("Europe/Dublin")->print(*core::base::parse_time("2060-07-01T10:00:00Z")),
              "2060-07-01 11:00 IST");
    for (const char* none : {"", "/etc/passwd", "../../etc/passwd", "Europe", "zone.tab", "Europe/"}) {
        EXPECT_EQ(system_zone(none), nullptr) << none;
    }
}

TEST(Zones, AFileOrARuleThatIsBrokenIsNone) {
    EXPECT_FALSE(parse_zone_file("").has_value());
    EXPECT_FALSE(parse_zone_file("TZif2" + std::string(15 + 24, '\0')).has_value());
    EXPECT_FALSE(parse_zone_file("TZif2" + std::string(15, '\0') + std::string(24, '\x7F')).has_value());
    for (const char* rule : {"", "CET", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0", "<+03-3"}) {
        EXPECT_FALSE(follow_zone_rule(rule, Instant()).has_value()) << rule;
    }
    for (const char* rule :
         {"UTC0", "<+0545>-5:45", "EST5EDT,M3.2.0,M11.1.0", "A1B,J60/0,0/-1", "<-02>2<-01>,M3.5.0/-1,M10.5.0/0"}) {
        EXPECT_TRUE(follow_zone_rule(rule, Instant()).has_value()) << rule;
    }
}

}  // namespace
}  // namespace appliance::guard
