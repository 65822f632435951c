// The TZ of POSIX (8.3) with what RFC 8536 3.3.1 adds: "CET-1CEST,M3.5.0,M10.5.0/3".
#include <charconv>

#include "appliance/guard/calendar/zone.hpp"

namespace appliance::guard {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

struct YearDay {
    char form = 'M';     // J: 1 to 365 without 29 February; 0: 0 to 365; M: month, week, weekday
    unsigned first = 0;  // the day or the month
    unsigned week = 0;   // 5: the last
    unsigned weekday = 0;
    seconds time = hours(2);
};

class RuleText {
public:
    explicit RuleText(std::string_view text) : rest_(text) {}

    bool skip(char wanted) {
        const bool found = rest_.starts_with(wanted);
        rest_.remove_prefix(found ? 1 : 0);
        return found;
    }
    [[nodiscard]] bool empty() const { return rest_.empty(); }
    [[nodiscard]] bool at(char c) const { return rest_.starts_with(c); }

    std::optional<std::string> name() {
        const bool quoted = skip('<');
        std::size_t size = 0;
        while (size < rest_.size() && (quoted ? rest_[size] != '>' : is_letter(rest_[size]))) {
            ++size;
        }
        std::string taken(rest_.substr(0, size));
        rest_.remove_prefix(size);
        return (quoted && !skip('>')) || taken.empty() ? std::nullopt : std::optional(std::move(taken));
    }
    std::optional<unsigned> number() {
        unsigned value = 0;
        const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
        if (error != std::errc() || value > 1000) {
            return std::nullopt;
        }
        rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
        return value;
    }
    // "-1", "5:30", "+26:00:00".
    std::optional<seconds> time() {
        const bool negative = skip('-');
        static_cast<void>(!negative && skip('+'));
        const auto hour = number();
        const auto minute = hour && skip(':') ? number() : std::optional(0U);
        const auto second = minute && skip(':') ? number() : std::optional(0U);
        if (!hour || !minute || !second) {
            return std::nullopt;
        }
        const seconds value = hours(*hour) + minutes(*minute) + seconds(*second);
        return negative ? -value : value;
    }
    std::optional<YearDay> day() {
        YearDay day;
        day.form = skip('M') ? 'M' : skip('J') ? 'J' : '0';
        const auto first = number();
        if (!first) {
            return std::nullopt;
        }
        day.first = *first;
        if (day.form == 'M') {
            const auto week = skip('.') ? number() : std::nullopt;
            const auto weekday = week && skip('.') ? number() : std::nullopt;
            if (!weekday || *first < 1 || *first > 12 || *week < 1 || *week > 5 || *weekday > 6) {
                return std::nullopt;
            }
            day.week = *week;
            day.weekday = *weekday;
        }
        if (skip('/')) {
            const auto at = time();
            if (!at) {
                return std::nullopt;
            }
            day.time = *at;
        }
        return day;
    }

private:
    static bool is_letter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }
    std::string_view rest_;
};

Local when(const YearDay& day, std::chrono::year year) {
    const std::chrono::local_days first(year / std::chrono::January / 1);
    if (day.form == '0') {
        return first + days(day.first) + day.time;
    }
    if (day.form == 'J') {
        const bool after_february = year.is_leap() && day.first >= 60;
        return first + days(day.first - 1 + (after_february ? 1 : 0)) + day.time;
    }
    const std::chrono::month month(day.first);
    const std::chrono::weekday weekday(day.weekday);
    const std::chrono::local_days date = day.week == 5
                                             ? std::chrono::local_days(year / month / weekday[std::chrono::last])
                                             : std::chrono::local_days(year / month / weekday[day.week]);
    return date + day.time;
}

}  // namespace

std::optional<std::vector<Zone::Change>> follow_zone_rule(std::string_view text, Instant after) {
    RuleText rule(text);
    const auto name = rule.name();
    const auto west = name ? rule.time() : std::nullopt;
    if (!west) {
        return std::nullopt;
    }
    const Zone::Clock standard{-*west, *name};
    std::vector<Zone::Change> changes;
    if (rule.empty()) {
        return changes;
    }
    const auto other_name = rule.name();
    const auto other_west = other_name && !rule.at(',') ? rule.time() : std::optional(*west - hours(1));
    const auto begins = other_name && other_west && rule.skip(',') ? rule.day() : std::nullopt;
    const auto ends = begins && rule.skip(',') ? rule.day() : std::nullopt;
    if (!ends || !rule.empty()) {
        return std::nullopt;
    }
    const Zone::Clock other{-*other_west, *other_name};
    const auto last = std::max(after, Instant(std::chrono::sys_days(std::chrono::year(1900) / 1 / 1)));
    const std::chrono::year_month_day since(std::chrono::floor<days>(last));
    for (auto year = since.year(); year <= std::chrono::year(followed_until); ++year) {
        changes.push_back({Instant(when(*begins, year).time_since_epoch() - standard.offset), other});
        changes.push_back({Instant(when(*ends, year).time_since_epoch() - other.offset), standard});
    }
    std::erase_if(changes, [after](const Zone::Change& change) { return change.at <= after; });
    return changes;
}

}  // namespace appliance::guard
