#include "appliance/guard/calendar/rule.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include "appliance/guard/calendar/components.hpp"
#include "appliance/guard/calendar/span.hpp"

namespace appliance::guard {
namespace {

using Frequency = Rule::Frequency;

// Up to `separator`, which goes too.
std::string_view take_piece(std::string_view& text, char separator) {
    const auto end = std::min(text.find(separator), text.size());
    const std::string_view piece = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return piece;
}

std::optional<int> parse_integer(std::string_view text) {
    text.remove_prefix(text.starts_with('+') ? 1 : 0);
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

std::optional<std::chrono::weekday> parse_weekday(std::string_view text) {
    constexpr std::array<std::string_view, 7> names{"SU", "MO", "TU", "WE", "TH", "FR", "SA"};
    const auto found = std::find(names.begin(), names.end(), text);
    return found == names.end() ? std::nullopt
                                : std::optional(std::chrono::weekday(static_cast<unsigned>(found - names.begin())));
}

// Each from least to most; negative ones too, from -most to -least, where they may be.
bool parse_numbers(std::string_view list, int least, int most, bool negative, std::vector<int>& into) {
    do {
        const auto number = parse_integer(take_piece(list, ','));
        const int size = number ? std::abs(*number) : -1;
        if (!number || size < least || size > most || (*number < 0 && !negative)) {
            return false;
        }
        into.push_back(*number);
    } while (!list.empty());
    return true;
}

bool parse_days(std::string_view list, std::vector<Rule::Day>& into) {
    constexpr std::size_t letters = 2;
    constexpr int most = 53;
    do {
        const std::string_view one = take_piece(list, ',');
        const auto split = one.size() - std::min(letters, one.size());
        const auto weekday = parse_weekday(one.substr(split));
        const auto number = split == 0 ? std::optional(0) : parse_integer(one.substr(0, split));
        if (!weekday || !number || (split > 0 && *number == 0) || std::abs(*number) > most) {
            return false;
        }
        into.push_back({*number, *weekday});
    } while (!list.empty());
    return true;
}

bool parse_frequency(std::string_view value, Rule& rule) {
    constexpr std::array<std::string_view, 7> names{"YEARLY", "MONTHLY",  "WEEKLY",  "DAILY",
                                                    "HOURLY", "MINUTELY", "SECONDLY"};
    const auto found = std::find(names.begin(), names.end(), value);
    rule.frequency = static_cast<Frequency>(found - names.begin());
    return found != names.end();
}

bool parse_part(std::string_view name, std::string_view value, Rule& rule) {
    constexpr int most = 1'000'000'000;
    const auto number = parse_integer(value);
    const bool positive = number && *number > 0 && *number < most;
    if (name == "FREQ") {
        return parse_frequency(value, rule);
    }
    if (name == "INTERVAL") {
        rule.interval = number.value_or(1);
        return positive;
    }
    if (name == "COUNT") {
        rule.count = static_cast<std::uint64_t>(number.value_or(0));
        return positive;
    }
    if (name == "UNTIL") {
        rule.until = parse_stamp(value, {});
        return rule.until.has_value();
    }
    if (name == "WKST") {
        const auto day = parse_weekday(value);
        rule.week_start = day.value_or(std::chrono::Monday);
        return day.has_value();
    }
    if (name == "BYDAY") {
        return parse_days(value, rule.days);
    }
    // RFC 7529 allows other calendars; only the Gregorian one is accepted, which is the default.
    if (name == "RSCALE" || name == "SKIP") {
        return value == (name == "SKIP" ? "OMIT" : "GREGORIAN");
    }
    return (name == "BYSECOND" && parse_numbers(value, 0, 60, false, rule.seconds)) ||
           (name == "BYMINUTE" && parse_numbers(value, 0, 59, false, rule.minutes)) ||
           (name == "BYHOUR" && parse_numbers(value, 0, 23, false, rule.hours)) ||
           (name == "BYMONTHDAY" && parse_numbers(value, 1, 31, true, rule.month_days)) ||
           (name == "BYYEARDAY" && parse_numbers(value, 1, 366, true, rule.year_days)) ||
           (name == "BYWEEKNO" && parse_numbers(value, 1, 53, true, rule.weeks)) ||
           (name == "BYMONTH" && parse_numbers(value, 1, 12, false, rule.months)) ||
           (name == "BYSETPOS" && parse_numbers(value, 1, 366, true, rule.positions));
}

// The table of RFC 5545 3.3.10. A number before a weekday where it means nothing is passed over: some write it.
std::string_view misfit(const Rule& rule) {
    const Frequency frequency = rule.frequency;
    if (!rule.weeks.empty() && frequency != Frequency::yearly) {
        return "BYWEEKNO without FREQ=YEARLY";
    }
    if (!rule.month_days.empty() && frequency == Frequency::weekly) {
        return "BYMONTHDAY with FREQ=WEEKLY";
    }
    if (!rule.year_days.empty() &&
        (frequency == Frequency::monthly || frequency == Frequency::weekly || frequency == Frequency::daily)) {
        return "BYYEARDAY with FREQ=MONTHLY, WEEKLY or DAILY";
    }
    return {};
}

}  // namespace

core::Result<Rule> parse_rule(std::string_view text) {
    const std::string capital = upper(text);
    std::string_view rest = capital;
    Rule rule;
    std::set<std::string_view> seen;
    while (!rest.empty()) {
        const std::string_view part = take_piece(rest, ';');
        if (part.empty()) {
            continue;  // a semicolon at the end
        }
        std::string_view value = part;
        const std::string_view name = take_piece(value, '=');
        if (!seen.insert(name).second || !parse_part(name, value, rule)) {
            return core::fail("its RRULE is not understood", brief(part));
        }
    }
    if (!seen.contains("FREQ")) {
        return core::fail("its RRULE is not understood", "it has no FREQ");
    }
    if (const std::string_view why = misfit(rule); !why.empty()) {
        return core::fail("its RRULE is not understood", std::string(why));
    }
    return rule;
}

}  // namespace appliance::guard
