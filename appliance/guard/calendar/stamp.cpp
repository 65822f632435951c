#include "appliance/guard/calendar/stamp.hpp"

#include <algorithm>

#include "appliance/guard/calendar/components.hpp"

namespace appliance::guard {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

std::optional<std::chrono::local_days> take_day(std::string_view& text) {
    const auto year = take_digits(text, 4);
    const auto month = take_digits(text, 2);
    const auto day = take_digits(text, 2);
    if (!day || !month || !year || *year == 0) {
        return std::nullopt;
    }
    const auto date = std::chrono::year(static_cast<int>(*year)) / std::chrono::month(*month) / std::chrono::day(*day);
    return date.ok() ? std::optional(std::chrono::local_days(date)) : std::nullopt;
}

// A leap second is the next minute's first.
std::optional<seconds> take_time(std::string_view& text) {
    const auto hour = take_digits(text, 2);
    const auto minute = take_digits(text, 2);
    const auto second = take_digits(text, 2);
    if (!hour || !minute || !second || *minute > 59 || *second > 60) {
        return std::nullopt;
    }
    const seconds time = hours(*hour) + minutes(*minute) + seconds(*second);
    return *hour < 24 || time == days(1) ? std::optional(time) : std::nullopt;
}

bool skip(std::string_view& text, char wanted) {
    const bool found = text.starts_with(wanted);
    text.remove_prefix(found ? 1 : 0);
    return found;
}

}  // namespace

std::optional<unsigned> take_digits(std::string_view& text, std::size_t digits) {
    const std::string_view number = text.substr(0, digits);
    const bool all = std::all_of(number.begin(), number.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (number.size() < digits || !all) {
        return std::nullopt;
    }
    text.remove_prefix(digits);
    unsigned value = 0;
    for (const char c : number) {
        value = value * 10 + static_cast<unsigned>(c - '0');
    }
    return value;
}

std::optional<Stamp> parse_stamp(std::string_view value, std::string_view tzid) {
    const std::string capital = upper(value);
    std::string_view text = capital;
    const auto day = take_day(text);
    if (!day) {
        return std::nullopt;
    }
    if (text.empty()) {
        return Stamp{Stamp::Kind::date, *day, {}};
    }
    const auto time = skip(text, 'T') ? take_time(text) : std::nullopt;
    if (!time || (!text.empty() && text != "Z")) {
        return std::nullopt;
    }
    if (text == "Z") {
        return Stamp{Stamp::Kind::utc, *day + *time, {}};
    }
    return tzid.empty() ? Stamp{Stamp::Kind::floating, *day + *time, {}}
                        : Stamp{Stamp::Kind::zoned, *day + *time, std::string(tzid)};
}

std::optional<Length> parse_length(std::string_view value) {
    const std::string capital = upper(value);
    std::string_view text = capital;
    const int sign = skip(text, '-') ? -1 : 1;
    static_cast<void>(skip(text, '+'));
    if (!skip(text, 'P') || text.empty()) {
        return std::nullopt;
    }
    Length length;
    bool in_time = false;
    while (!text.empty()) {
        in_time = skip(text, 'T') || in_time;
        const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
        constexpr std::size_t most = 9;
        const auto number = digits > 0 && digits <= most ? take_digits(text, digits) : std::nullopt;
        if (!number || text.empty()) {
            return std::nullopt;
        }
        const auto count = static_cast<int>(*number) * sign;
        const char unit = text.front();
        text.remove_prefix(1);
        if (!in_time && (unit == 'W' || unit == 'D')) {
            length.days += days(std::int64_t{count} * (unit == 'W' ? 7 : 1));
        } else if (in_time && (unit == 'H' || unit == 'M' || unit == 'S')) {
            length.time += seconds(std::int64_t{count} * (unit == 'H' ? 3600 : unit == 'M' ? 60 : 1));
        } else {
            return std::nullopt;
        }
    }
    constexpr days most{10'000 * 366};
    const bool bounded = length.days > -most && length.days < most && length.time > -most && length.time < most;
    return bounded ? std::optional(length) : std::nullopt;
}

std::optional<seconds> parse_offset(std::string_view text) {
    const bool negative = skip(text, '-');
    if (!negative && !skip(text, '+')) {
        return std::nullopt;
    }
    const auto hour = take_digits(text, 2);
    const auto minute = take_digits(text, 2);
    const auto second = text.empty() ? std::optional(0U) : take_digits(text, 2);
    if (!hour || !minute || !second || !text.empty() || *hour > 24 || *minute > 59 || *second > 59) {
        return std::nullopt;
    }
    const seconds offset = hours(*hour) + minutes(*minute) + seconds(*second);
    return negative ? -offset : offset;
}

}  // namespace appliance::guard
