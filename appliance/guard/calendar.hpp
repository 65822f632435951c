// Meetings to come, from iCalendar (RFC 5545) and from JSON; and local time. Pure but for the time zones' files.
// libical stays behind calendar.cpp.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "appliance/guard/span.hpp"
#include "core/base/result.hpp"

namespace appliance::guard {

// More in one stretch of time are refused.
inline constexpr std::size_t meetings_max = 10'000;
// Of the processor's time: a rule may be written so that following it takes hours.
inline constexpr std::chrono::seconds reading_max{2};

// Every event between from and until: recurrences (RRULE, RDATE, without EXDATE), single ones that were moved
// (RECURRENCE-ID), whole days; not what is CANCELLED or TRANSPARENT. Times without a zone are of zone
// ("Europe/Berlin"). Errors: no calendar, one that is cut off or whose times cannot be read (a zone that nobody knows,
// an end before the beginning), what is not supported (RANGE, a rule for every minute), too many events, too long to
// read, or of a form that the library does not survive: it reads in a process of its own (apart.hpp). Any thread.
core::Result<std::vector<Span>> read_calendar(const std::string& text, core::WallTime from, core::WallTime until,
                                              const std::string& zone);

// The same from [{"from": "2026-11-22T14:00:00Z", "until": "…" or "duration": "1h", "what": "…"}].
core::Result<std::vector<Span>> read_meeting_list(std::string_view text, core::WallTime from, core::WallTime until);

struct LocalTime {
    unsigned minute = 0;    // of the week, from Monday 00:00
    std::int32_t date = 0;  // year * 10000 + month * 100 + day
};

// Any thread. zone: a name that config has found to exist.
LocalTime local_time(core::WallTime time, const std::string& zone);

}  // namespace appliance::guard
