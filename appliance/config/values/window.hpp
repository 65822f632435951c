// Windows of the week and days of the calendar, as an operator writes them. Pure; local time of some zone.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace appliance::config {

// Minutes from Monday 00:00. Where until is not above from, it goes on over the end of the week.
struct Window {
    static constexpr unsigned day = 24 * 60;
    static constexpr unsigned week = 7 * day;

    unsigned days = 0;   // bit 0 is Monday; the days on which it begins
    unsigned from = 0;   // minutes of the day
    unsigned until = 0;  // the same; at most 24:00; not above from: of the next day

    // minute: below week.
    [[nodiscard]] bool holds(unsigned minute) const noexcept;
    friend bool operator==(const Window&, const Window&) = default;
};

// "Mon-Fri 06:00-08:00", "Sat,Sun 00:00-24:00", "Fri 22:00-06:00", "daily 02:00-04:00". Nothing where it is none.
std::optional<Window> parse_window(std::string_view text);

// Both days included.
struct Dates {
    std::int32_t from = 0;   // year * 10000 + month * 100 + day
    std::int32_t until = 0;  // not before from

    friend bool operator==(const Dates&, const Dates&) = default;
};

// "2026-12-24", "2026-12-20..2027-01-06". Nothing where it is none.
std::optional<Dates> parse_dates(std::string_view text);

}  // namespace appliance::config
