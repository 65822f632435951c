#include "appliance/config/values/window.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

namespace appliance::config {
namespace {

constexpr std::array<std::string_view, 7> days{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

std::optional<unsigned> parse_number(std::string_view text) {
    unsigned number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

// "06:30".
std::optional<unsigned> parse_time(std::string_view text) {
    if (text.size() != 5 || text[2] != ':') {
        return std::nullopt;
    }
    const auto hour = parse_number(text.substr(0, 2));
    const auto minute = parse_number(text.substr(3));
    const bool sound = hour && minute && *minute < 60 && *hour * 60 + *minute <= Window::day;
    return sound ? std::optional(*hour * 60 + *minute) : std::nullopt;
}

std::optional<unsigned> parse_day(std::string_view text) {
    const auto* found = std::find(days.begin(), days.end(), text);
    return found == days.end() ? std::nullopt : std::optional(static_cast<unsigned>(found - days.begin()));
}

// "Mon", "Mon-Fri", "Sat-Mon".
std::optional<unsigned> parse_day_range(std::string_view text) {
    const auto dash = text.find('-');
    const auto first = parse_day(text.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : parse_day(text.substr(dash + 1));
    if (!first || !last) {
        return std::nullopt;
    }
    unsigned mask = 1U << *first;
    for (unsigned day = *first; day != *last;) {
        day = (day + 1) % 7;
        mask |= 1U << day;
    }
    return mask;
}

std::optional<unsigned> parse_days(std::string_view text) {
    if (text == "daily") {
        return 0x7f;
    }
    unsigned mask = 0;
    for (;;) {
        const auto comma = text.find(',');
        const auto part = parse_day_range(text.substr(0, comma));
        if (!part) {
            return std::nullopt;
        }
        mask |= *part;
        if (comma == std::string_view::npos) {
            return mask;
        }
        text.remove_prefix(comma + 1);
    }
}

std::optional<std::int32_t> parse_date(std::string_view text) {
    if (text.size() != 10 || text[4] != '-' || text[7] != '-') {
        return std::nullopt;
    }
    const auto year = parse_number(text.substr(0, 4));
    const auto month = parse_number(text.substr(5, 2));
    const auto day = parse_number(text.substr(8));
    if (!year || !month || !day) {
        return std::nullopt;
    }
    const std::chrono::year_month_day date(std::chrono::year(static_cast<int>(*year)), std::chrono::month(*month),
                                           std::chrono::day(*day));
    return date.ok() ? std::optional(static_cast<std::int32_t>(*year * 10'000 + *month * 100 + *day)) : std::nullopt;
}

}  // namespace

bool Window::holds(unsigned minute) const noexcept {
    const unsigned length = until > from ? until - from : until + day - from;
    for (unsigned begin = 0; begin < 7; ++begin) {
        const unsigned since = (minute + week - (begin * day + from)) % week;
        if ((days & 1U << begin) != 0 && since < length) {
            return true;
        }
    }
    return false;
}

std::optional<Window> parse_window(std::string_view text) {
    const auto blank = text.find(' ');
    const auto dash = text.find('-', blank == std::string_view::npos ? 0 : blank);
    if (blank == std::string_view::npos || dash == std::string_view::npos) {
        return std::nullopt;
    }
    const auto on = parse_days(text.substr(0, blank));
    const auto from = parse_time(text.substr(blank + 1, dash - blank - 1));
    const auto until = parse_time(text.substr(dash + 1));
    return on && from && until && *from < Window::day && *from != *until ? std::optional(Window{*on, *from, *until})
                                                                         : std::nullopt;
}

std::optional<Dates> parse_dates(std::string_view text) {
    const auto dots = text.find("..");
    const auto from = parse_date(text.substr(0, dots));
    const auto until = dots == std::string_view::npos ? from : parse_date(text.substr(dots + 2));
    return from && until && *from <= *until ? std::optional(Dates{*from, *until}) : std::nullopt;
}

}  // namespace appliance::config
