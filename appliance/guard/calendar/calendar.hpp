// Meetings to come, from iCalendar (RFC 5545, and 2445) and from JSON; and local time. Pure but for the time zones'
// files.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "appliance/guard/calendar/span.hpp"
#include "appliance/guard/calendar/zone.hpp"
#include "core/base/result.hpp"

namespace appliance::guard {

// More in one stretch of time are refused.
inline constexpr std::size_t meetings_max = 10'000;
// Following a malicious rule could take hours. All these steps take two seconds on a slow processor.
inline constexpr std::uint64_t steps_of_calendar = 20'000'000;
inline constexpr std::uint64_t steps_of_event = 5'000'000;

// Every event between from and until: recurrences (RRULE, RDATE, without EXDATE and EXRULE), moved occurrences
// (RECURRENCE-ID), whole days. Not events that are CANCELLED or TRANSPARENT. zone: of times without a zone
// ("Europe/Berlin"). Errors: no calendar, one that is cut off, too many events. Also an event that is not understood
// and can lie between from and until, with its name: an unknown zone, an end before the beginning, a rule that takes
// too long. Any thread.
core::Result<std::vector<Span>> read_calendar(const std::string& text, core::WallTime from, core::WallTime until,
                                              const std::string& zone);

// The same from [{"from": "2026-11-22T14:00:00Z", "until": "…" or "duration": "1h", "what": "…"}].
core::Result<std::vector<Span>> read_meeting_list(std::string_view text, core::WallTime from, core::WallTime until);

struct LocalTime {
    unsigned minute = 0;    // of the week, from Monday 00:00
    std::int32_t date = 0;  // year * 10000 + month * 100 + day
};

LocalTime local_time(core::WallTime time, const Zone& zone);

}  // namespace appliance::guard
