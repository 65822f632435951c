#include "appliance/guard/sift.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>

#include "appliance/guard/span.hpp"

namespace appliance::guard {
namespace {

std::string upper(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
    return out;
}

// The next line with those that continue it, without its end. Nothing where the text has ended.
std::optional<std::string> take_line(std::string_view& text) {
    if (text.empty()) {
        return std::nullopt;
    }
    std::string line;
    do {
        const auto end = std::min(text.find('\n'), text.size());
        line += text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.ends_with('\r')) {
            line.pop_back();
        }
        if (!text.starts_with(' ') && !text.starts_with('\t')) {
            return line;
        }
        text.remove_prefix(1);
    } while (true);
}

struct Property {
    std::string name;  // in upper case
    std::string value;
};

// A colon in a quoted parameter is none. Nothing where there is no value at all.
std::optional<Property> split(std::string_view line) {
    bool quoted = false;
    for (std::size_t at = 0; at < line.size(); ++at) {
        quoted ^= line[at] == '"';
        if (line[at] == ':' && !quoted) {
            return Property{upper(line.substr(0, std::min(line.find_first_of(";:"), at))),
                            std::string(line.substr(at + 1))};
        }
    }
    return std::nullopt;
}

template <std::size_t size>
bool among(const std::array<std::string_view, size>& words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

// As many digits as are asked for, from the front of text. Nothing where there are fewer.
std::optional<unsigned> take_number(std::string_view& text, std::size_t digits) {
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

bool take_day(std::string_view& text) {
    const auto year = take_number(text, 4);
    const auto month = take_number(text, 2);
    const auto day = take_number(text, 2);
    return year && *year > 0 && month && day &&
           (std::chrono::year(static_cast<int>(*year)) / std::chrono::month(*month) / std::chrono::day(*day)).ok();
}

// RFC 5545 3.3.4 and 3.3.5: 20261122, 20261122T140000, 20261122T140000Z. The library walks for ever towards a day that
// does not exist.
bool is_time(std::string_view text) {
    if (!take_day(text)) {
        return false;
    }
    if (text.empty()) {
        return true;
    }
    const bool has_time = text.front() == 'T';
    text.remove_prefix(1);
    const auto hour = take_number(text, 2);
    const auto minute = take_number(text, 2);
    const auto second = take_number(text, 2);
    return has_time && hour && *hour < 24 && minute && *minute < 60 && second && *second <= 60 &&
           (text.empty() || text == "Z");
}

// Times with commas between them; a period says its beginning first.
bool are_times(std::string_view list) {
    while (true) {
        const std::string_view one = list.substr(0, list.find(','));
        if (!is_time(one.substr(0, one.find('/')))) {
            return false;
        }
        const auto slash = one.find('/');
        if (slash != std::string_view::npos && !one.substr(slash + 1).starts_with('P') &&
            !is_time(one.substr(slash + 1))) {
            return false;
        }
        if (one.size() == list.size()) {
            return true;
        }
        list.remove_prefix(one.size() + 1);
    }
}

bool holds_times(std::string_view name) {
    constexpr std::array<std::string_view, 5> times{"DTSTART", "DTEND", "RDATE", "EXDATE", "RECURRENCE-ID"};
    return among(times, name);
}

// Whether a property of an event or a time zone decides on times. A title is kept for the operator.
bool matters(const Property& property) {
    constexpr std::array<std::string_view, 10> times{"DTSTART", "DTEND", "DURATION",      "RRULE",        "RDATE",
                                                     "EXDATE",  "TZID",  "RECURRENCE-ID", "TZOFFSETFROM", "TZOFFSETTO"};
    constexpr std::array<std::string_view, 2> names{"UID", "SUMMARY"};
    return among(times, property.name) || (among(names, property.name) && !property.value.empty()) ||
           (property.name == "STATUS" && upper(property.value) == "CANCELLED") ||
           (property.name == "TRANSP" && upper(property.value) == "TRANSPARENT");
}

class Sieve {
public:
    core::Result<void> take(const std::string& line) {
        const auto property = split(line);
        if (property && property->name == "BEGIN") {
            return begin(upper(property->value));
        }
        if (property && property->name == "END") {
            return end(upper(property->value));
        }
        if (open_.empty()) {
            return core::fail("no calendar", "it holds no VCALENDAR");
        }
        if (open_.size() > kept_ || open_.back() == "VCALENDAR") {
            return {};
        }
        return property && matters(*property) ? keep(line, *property) : core::Result<void>();
    }

    core::Result<std::vector<std::string>> finish() {
        if (!open_.empty()) {
            return core::fail("the calendar cannot be read", fmt::format("it ends within a {}", open_.back()));
        }
        if (calendars_.empty()) {
            return core::fail("no calendar", "it holds no VCALENDAR");
        }
        return std::move(calendars_);
    }

private:
    core::Result<void> begin(const std::string& name) {
        const std::string_view parent = open_.empty() ? std::string_view() : std::string_view(open_.back());
        const bool calendar = parent.empty() && name == "VCALENDAR";
        const bool known = calendar || (parent == "VCALENDAR" && (name == "VEVENT" || name == "VTIMEZONE")) ||
                           (parent == "VTIMEZONE" && (name == "STANDARD" || name == "DAYLIGHT"));
        if (parent.empty() && !calendar) {
            return core::fail("no calendar", "it holds no VCALENDAR");
        }
        if (open_.size() == nesting_max) {
            return core::fail("the calendar cannot be read",
                              fmt::format("it is nested more than {} deep", nesting_max));
        }
        if (!known && (name == "VEVENT" || name == "VCALENDAR")) {
            return core::fail("the calendar cannot be read", fmt::format("a {} within a {}", name, parent));
        }
        if (calendar) {
            calendars_.emplace_back();
        }
        if (known && kept_ == open_.size()) {
            ++kept_;
            write("BEGIN:" + name);
            dates_ = 0;
        }
        open_.push_back(name);
        return {};
    }

    core::Result<void> end(const std::string& name) {
        if (open_.empty() || open_.back() != name) {
            return core::fail("the calendar cannot be read", fmt::format("an END:{:.40} without its BEGIN", name));
        }
        if (open_.size() == kept_) {
            --kept_;
            write("END:" + name);
        }
        open_.pop_back();
        return {};
    }

    core::Result<void> keep(const std::string& line, const Property& property) {
        if (holds_times(property.name) && !are_times(property.value)) {
            return core::fail("the calendar cannot be read",
                              fmt::format("{}:{} is no time", property.name, brief(property.value)));
        }
        // A zone's offset changes in certain years; a rule for every second is followed to the present.
        if (property.name == "RRULE" && open_.size() == 3 && !upper(property.value).starts_with("FREQ=YEARLY")) {
            return core::fail("the calendar cannot be read", "a time zone's RRULE is not FREQ=YEARLY");
        }
        if (property.name == "RDATE" || property.name == "EXDATE") {
            dates_ += 1 + static_cast<std::size_t>(std::count(property.value.begin(), property.value.end(), ','));
            if (dates_ > dates_max) {
                return core::fail("the calendar cannot be read",
                                  fmt::format("an event with more than {} dates", dates_max));
            }
        }
        write(line);
        return {};
    }

    void write(const std::string& line) { calendars_.back() += line + "\r\n"; }

    std::vector<std::string> calendars_;
    std::vector<std::string> open_;  // components that have begun and not ended
    std::size_t kept_ = 0;           // how many of them, from the outermost, are passed on
    std::size_t dates_ = 0;          // of the event
};

}  // namespace

core::Result<std::vector<std::string>> sift(std::string_view text) {
    if (text.find('\0') != std::string_view::npos) {
        return core::fail("no calendar", "it is no text");
    }
    constexpr std::string_view mark = "\xEF\xBB\xBF";  // of UTF-8
    text.remove_prefix(text.starts_with(mark) ? mark.size() : 0);
    Sieve sieve;
    while (const auto line = take_line(text)) {
        if (line->empty()) {
            continue;
        }
        if (auto taken = sieve.take(*line); !taken) {
            return tl::unexpected(std::move(taken.error()));
        }
    }
    return sieve.finish();
}

}  // namespace appliance::guard
