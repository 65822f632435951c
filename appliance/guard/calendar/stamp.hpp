// Dates, times and durations as a calendar writes them (RFC 5545 3.3.4 to 3.3.6). Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "appliance/guard/calendar/zone.hpp"

namespace appliance::guard {

// floating: of whatever place the reader is in.
struct Stamp {
    enum class Kind : std::uint8_t { date, floating, utc, zoned };

    Kind kind = Kind::date;
    Local local;       // of a date its first second
    std::string zone;  // of zoned: its name

    [[nodiscard]] bool whole_day() const { return kind == Kind::date; }
    [[nodiscard]] std::chrono::local_days day() const { return std::chrono::floor<std::chrono::days>(local); }
};

// tzid: the parameter, or empty. What the value looks like decides, whatever VALUE says. 24:00:00 is the next midnight.
std::optional<Stamp> parse_stamp(std::string_view value, std::string_view tzid);

// Nominal: a day of it is a day of the calendar, be it 23 hours long.
struct Length {
    std::chrono::days days{};
    std::chrono::seconds time{};
    // Not above zero.
    [[nodiscard]] bool empty() const { return days + time <= std::chrono::seconds::zero(); }
};

std::optional<Length> parse_length(std::string_view text);

// "+0100", "-053015".
std::optional<std::chrono::seconds> parse_offset(std::string_view text);

// As many digits as are asked for, taken from the front of text. Nothing where there are fewer.
std::optional<unsigned> take_digits(std::string_view& text, std::size_t digits);

}  // namespace appliance::guard
