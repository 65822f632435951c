// Of a calendar's text (RFC 5545), what says when somebody meets. Pure. Called by calendar.cpp alone, before its
// library sees anything: real calendars are full of properties that the library takes for errors ("DESCRIPTION:" with
// nothing behind it), and it goes as deep into itself as a calendar is nested.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"

namespace appliance::guard {

// How deep components may stand in each other; real calendars need three.
inline constexpr std::size_t nesting_max = 8;
// RDATE and EXDATE values of one event: each is held against each occurrence.
inline constexpr std::size_t dates_max = 1'000;

// One text for each VCALENDAR, with nothing but events, time zones and those properties of theirs that decide on times.
// What is left must be understood. Errors: no VCALENDAR, one that is cut off or crooked, more than the limits.
core::Result<std::vector<std::string>> sift(std::string_view text);

}  // namespace appliance::guard
