// Durations and times as operators write and read them: "500ms", "2s", "30m"; "2026-11-22T14:03:05Z".
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "core/base/result.hpp"

namespace core::base {

using Milliseconds = std::chrono::milliseconds;
// Wall-clock time with the precision that fences and logs keep.
using WallTime = std::chrono::sys_time<Milliseconds>;

// A whole number with a unit of ms, s, m, h or d. Several of them may follow each other from the largest unit down,
// each once: "2h30m", and "2h 30m" as print_age writes it. Range 0 to 3650d. Error: what is wrong and how to write it.
Result<Milliseconds> parse_duration(std::string_view text);

// The shortest exact form: "500ms", "90s", "2m", "1h". Negative durations print as "0s".
std::string print_duration(Milliseconds duration);

// For people: two units at most, rounded down: "1h 2m", "45s", "0s".
std::string print_age(Milliseconds duration);

// RFC 3339 in UTC, seconds: "2026-11-22T14:03:05Z".
std::string print_time(WallTime time);

// RFC 3339 with offset or Z: "2026-11-22T14:03:05Z", "2026-11-22T16:03:05+02:00". Seconds and fraction are optional.
Result<WallTime> parse_time(std::string_view text);

// The wall clock (core/base/clock.cpp).
WallTime wall_now() noexcept;

}  // namespace core::base

namespace core {
using base::Milliseconds;
using base::WallTime;
}  // namespace core
