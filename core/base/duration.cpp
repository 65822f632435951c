#include "core/base/duration.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

namespace core::base {
namespace {

struct Unit {
    std::string_view name;
    std::int64_t milliseconds;
};

constexpr std::array<Unit, 5> units{{{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
constexpr std::int64_t duration_max = 3650LL * 86'400'000;

// Reads exactly width digits at position and moves on; -1 where there are none.
int digits(std::string_view text, std::size_t& position, std::size_t width) {
    int value = 0;
    if (text.size() < position + width) {
        return -1;
    }
    const auto* first = text.data() + position;
    const auto [end, error] = std::from_chars(first, first + width, value);
    if (error != std::errc{} || end != first + width || *first == '-') {
        return -1;
    }
    position += width;
    return value;
}

bool skip(std::string_view text, std::size_t& position, std::string_view one_of) {
    if (position < text.size() && one_of.find(text[position]) != std::string_view::npos) {
        ++position;
        return true;
    }
    return false;
}

// The offset behind a time, in minutes; false where it is malformed.
bool parse_offset(std::string_view text, std::size_t& position, int& minutes) {
    if (skip(text, position, "Zz")) {
        minutes = 0;
        return true;
    }
    const bool west = position < text.size() && text[position] == '-';
    if (!skip(text, position, "+-")) {
        return false;
    }
    const int hour = digits(text, position, 2);
    const bool colon = skip(text, position, ":");
    const int minute = digits(text, position, 2);
    minutes = (hour * 60 + minute) * (west ? -1 : 1);
    return colon && hour >= 0 && hour < 24 && minute >= 0 && minute < 60;
}

}  // namespace

Result<Milliseconds> parse_duration(std::string_view text) {
    const auto wrong = [text] {
        return fail(fmt::format("'{}' is not a duration", text), {},
                    "write a number and a unit, such as 500ms, 2s, 30m or 2h30m");
    };
    const auto too_long = [text] { return fail(fmt::format("'{}' is too long", text), {}, "at most 3650d"); };
    std::int64_t total = 0;
    bool exceeds = false;
    const auto* unit = units.begin();  // the largest that may still come
    std::string_view rest = text;
    do {
        std::int64_t value = 0;
        const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
        const bool huge = error == std::errc::result_out_of_range;
        if ((error != std::errc{} && !huge) || rest.front() == '-') {
            return wrong();
        }
        rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
        const auto name = rest.substr(0, std::min(rest.find_first_of("0123456789 "), rest.size()));
        unit = std::find_if(unit, units.end(), [name](const Unit& one) { return one.name == name; });
        if (unit == units.end()) {
            return wrong();
        }
        exceeds = exceeds || huge || value > (duration_max - total) / unit->milliseconds;
        total += exceeds ? 0 : value * unit->milliseconds;
        ++unit;
        rest.remove_prefix(name.size());
        // One blank may stand between two of them.
        rest.remove_prefix(rest.size() > 1 && rest.front() == ' ' ? 1 : 0);
    } while (!rest.empty());
    return exceeds ? Result<Milliseconds>(too_long()) : Milliseconds(total);
}

std::string print_duration(Milliseconds duration) {
    const std::int64_t count = std::max<std::int64_t>(duration.count(), 0);
    if (count == 0) {
        return "0s";
    }
    const auto* unit =
        std::find_if(units.begin(), units.end(), [&](const Unit& u) { return count % u.milliseconds == 0; });
    return fmt::format("{}{}", count / unit->milliseconds, unit->name);
}

std::string print_age(Milliseconds duration) {
    const std::int64_t count = std::max<std::int64_t>(duration.count(), 0);
    for (std::size_t i = 0; i + 2 < units.size(); ++i) {
        if (count >= units[i].milliseconds) {
            const std::int64_t second = count % units[i].milliseconds / units[i + 1].milliseconds;
            const std::string first = fmt::format("{}{}", count / units[i].milliseconds, units[i].name);
            return second == 0 ? first : fmt::format("{} {}{}", first, second, units[i + 1].name);
        }
    }
    return fmt::format("{}s", count / 1000);
}

// Not by fmt/chrono: it counts in nanoseconds internally, and so ends in the year 2262.
std::string print_time(WallTime time) {
    const auto midnight = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date(midnight);
    const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - midnight));
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                       clock.minutes().count(), clock.seconds().count());
}

Result<WallTime> parse_time(std::string_view text) {
    std::size_t at = 0;
    const int year = digits(text, at, 4);
    bool good = skip(text, at, "-");
    const int month = digits(text, at, 2);
    good = good && skip(text, at, "-");
    const int day = digits(text, at, 2);
    good = good && skip(text, at, "Tt ");
    const int hour = digits(text, at, 2);
    good = good && skip(text, at, ":");
    const int minute = digits(text, at, 2);
    int second = 0;
    if (good && skip(text, at, ":")) {
        second = digits(text, at, 2);
        if (skip(text, at, ".")) {
            good = skip(text, at, "0123456789");  // RFC 3339 5.6: a fraction has at least one digit
            while (skip(text, at, "0123456789")) {
            }
        }
    }
    int offset = 0;
    good = good && parse_offset(text, at, offset) && at == text.size();
    const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                           std::chrono::day(static_cast<unsigned>(day))};
    if (!good || year < 0 || !date.ok() || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 ||
        second > 60) {
        return fail(fmt::format("'{}' is not a time", text), {},
                    "write it as 2026-11-22T14:03:05Z or 2026-11-22T16:03+02:00");
    }
    return WallTime(std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute - offset) +
                    std::chrono::seconds(second));
}

}  // namespace core::base
