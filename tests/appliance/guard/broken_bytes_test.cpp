// Randomly broken calendars, answers and zones: each is read or refused.
#include <gmock/gmock.h>

#include <fstream>
#include <random>
#include <sstream>

#include "tests/appliance/guard/answers.hpp"
#include "tests/appliance/guard/event.hpp"
#include "tests/fuzz/calendar_checks.hpp"

namespace appliance::guard {
namespace {

std::string file_of(const char* path) {
    std::ostringstream bytes;
    bytes << std::ifstream(path, std::ios::binary).rdbuf();
    return bytes.str();
}

TEST(BrokenBytes, AreReadOrRefused) {
    const std::string zone =
        "BEGIN:VTIMEZONE\r\nTZID:X\r\nBEGIN:STANDARD\r\nDTSTART:20200101T000000\r\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-"
        "1SU"
        "\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n";
    const std::vector<std::string> seeds{
        "BEGIN:VCALENDAR\r\n" + zone +
            event("DTSTART;TZID=X:20260301T023000\r\nDURATION:P1DT2H\r\nRRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=SU,2MO;"
                  "UNTIL=20260401T000000Z;WKST=SU\r\nEXDATE;VALUE=DATE:20260315\r\nRDATE;VALUE=PERIOD:20260329T"
                  "120000Z/PT2H\r\n") +
            event("RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=X:20260322T023000\r\nDTSTART;TZID=Europe/Berlin:20260322T120"
                  "000\r\nDTEND:20260322T130000\r\n") +
            "END:VCALENDAR\r\n",
        "BEGIN:VCALENDAR\n" +
            event("DTSTART:20260301T023000\r\nRRULE:FREQ=HOURLY;BYMINUTE=1,2;BYSETPOS=-1;COUNT=99;BYMONTH=3;BYYEARDAY=8"
                  "7,-300\r\nEXRULE:FREQ=YEARLY;BYWEEKNO=13;BYMONTHDAY=-3\r\n") +
            "END:VCALENDAR\n",
        with(meeting(3, "<a b=\"c\"><![CDATA[<x>]]></a>")), file_of("/usr/share/zoneinfo/Europe/Berlin"),
        "CET-1CEST,M3.5.0,M10.5.0/3"};
    std::mt19937 chance(20261128);
    const auto upto = [&chance](std::size_t most) {
        return std::uniform_int_distribution<std::size_t>(0, most)(chance);
    };
    for (int round = 0; round < 4'000; ++round) {
        std::string bytes = seeds[upto(seeds.size() - 1)];
        for (std::size_t change = 0; change <= upto(3); ++change) {
            const std::size_t at = upto(bytes.size() - 1);
            switch (upto(3)) {
                case 0:
                    bytes[at] = static_cast<char>(upto(255));
                    break;
                case 1:
                    bytes[at] = "0123456789-;,:ZT\r\n<>"[upto(19)];
                    break;
                case 2:
                    bytes.erase(at, 1 + upto(9));
                    break;
                default:
                    bytes.insert(at, bytes.substr(upto(bytes.size() - 1), 1 + upto(40)));
            }
        }
        ASSERT_EQ(check_calendar(bytes), "") << bytes;
    }
}

}  // namespace
}  // namespace appliance::guard
