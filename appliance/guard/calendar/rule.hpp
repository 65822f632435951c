// Rule: how an event recurs (RFC 5545 3.3.10), followed in the local time of its beginning; the caller applies zones.
// Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "appliance/guard/calendar/stamp.hpp"
#include "core/base/result.hpp"

namespace appliance::guard {

// Steps that following rules may take: one for each day or time that is looked at. A few nanoseconds each.
struct Budget {
    std::uint64_t left = 0;

    // False: there are none left.
    bool spend(std::uint64_t steps = 1) {
        const bool enough = steps <= left;
        left -= enough ? steps : left;
        return enough;
    }
};

struct Rule {
    enum class Frequency : std::uint8_t { yearly, monthly, weekly, daily, hourly, minutely, secondly };
    struct Day {
        int number = 0;  // the first, the last (-1) of the month or year; 0: each
        std::chrono::weekday weekday;
    };

    Frequency frequency = Frequency::yearly;
    std::int64_t interval = 1;
    std::optional<std::uint64_t> count;
    std::optional<Stamp> until;
    std::chrono::weekday week_start = std::chrono::Monday;
    std::vector<int> seconds, minutes, hours, month_days, year_days, weeks, months, positions;
    std::vector<Day> days;

    // Of a part of the day, and not of days.
    [[nodiscard]] bool within_day() const { return frequency >= Frequency::hourly; }
};

// Errors: a part that is unknown, given twice, out of its range, or has no meaning with this frequency.
core::Result<Rule> parse_rule(std::string_view text);

enum class Followed : std::uint8_t { to_the_end, too_long };

// Calls each with the times of the rule from start on, in order, until each says false or the times are past `until`.
// Where the rule counts, from the first one on; where it does not, those long before `from` are passed over. The caller
// applies the rule's count and until: they depend on zones. whole_days: the hours of the rule mean nothing.
Followed follow(const Rule& rule, Local start, bool whole_days, Local from, Local until, Budget& budget,
                const std::function<bool(Local)>& each);

}  // namespace appliance::guard
