#include "appliance/guard/calendar/components.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

namespace appliance::guard {
namespace {

std::string_view trim(std::string_view text) {
    constexpr std::string_view blanks = " \t\r";
    const auto begin = std::min(text.find_first_not_of(blanks), text.size());
    text.remove_prefix(begin);
    return text.substr(0, text.find_last_not_of(blanks) + 1);
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

template <std::size_t size>
bool among(const std::array<std::string_view, size>& words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

// Values of these hold no colon. The names of their zones may, also without the required quotes
// (tzone://Microsoft/Utc).
bool ends_at_last_colon(std::string_view name) {
    constexpr std::array<std::string_view, 6> times{"DTSTART", "DTEND", "RDATE", "EXDATE", "RECURRENCE-ID", "DURATION"};
    return among(times, name);
}

bool is_of_times(std::string_view name) {
    constexpr std::array<std::string_view, 16> names{
        "DTSTART", "DTEND",         "DURATION",     "RRULE",      "EXRULE", "RDATE",  "EXDATE", "TZID",
        "UID",     "RECURRENCE-ID", "TZOFFSETFROM", "TZOFFSETTO", "TZNAME", "STATUS", "TRANSP", "SUMMARY"};
    return among(names, name);
}

void read_parameters(std::string_view text, Property& into) {
    while (!text.empty()) {
        bool quoted = false;
        std::size_t end = 0;
        for (; end < text.size() && (quoted || text[end] != ';'); ++end) {
            quoted ^= text[end] == '"';
        }
        const std::string_view one = text.substr(0, end);
        const auto equals = std::min(one.find('='), one.size());
        std::string_view value = trim(one.substr(std::min(equals + 1, one.size())));
        if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
            value = value.substr(1, value.size() - 2);
        }
        const std::string name = upper(trim(one.substr(0, equals)));
        if (name == "TZID") {
            into.tzid = value;
        } else if (name == "RANGE") {
            into.range = upper(value);
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

// Nothing where there is no value at all.
std::optional<Property> split_line(std::string_view line) {
    Property property;
    property.name = upper(trim(line.substr(0, line.find_first_of(";:"))));
    auto colon = std::string_view::npos;
    if (ends_at_last_colon(property.name)) {
        colon = line.rfind(':');
    } else {
        bool quoted = false;
        for (std::size_t at = 0; at < line.size() && colon == std::string_view::npos; ++at) {
            quoted ^= line[at] == '"';
            colon = line[at] == ':' && !quoted ? at : colon;
        }
    }
    if (colon == std::string_view::npos) {
        return std::nullopt;
    }
    const auto semicolon = std::min(line.find(';'), colon);
    read_parameters(line.substr(semicolon, colon - semicolon), property);
    property.value = trim(line.substr(colon + 1));
    return property;
}

class ComponentReader {
public:
    core::Result<void> take(const std::string& line) {
        auto property = split_line(line);
        if (property && property->name == "BEGIN") {
            return begin(upper(property->value));
        }
        if (property && property->name == "END") {
            return end(upper(property->value));
        }
        if (open_.empty()) {
            return core::fail("no calendar", "it holds no VCALENDAR");
        }
        if (property && open_.size() == kept_ && is_of_times(property->name)) {
            keep(std::move(*property));
            return count_part();
        }
        return {};
    }

    core::Result<std::vector<Components>> finish() {
        if (!open_.empty()) {
            return core::fail("the calendar cannot be read", fmt::format("it ends within a {:.40}", open_.back()));
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
        if (name == "VFREEBUSY") {
            return core::fail("the calendar cannot be read",
                              "it holds times at which people are busy (VFREEBUSY), and these are not read",
                              "name the address of the calendar itself");
        }
        if (!known && (name == "VEVENT" || name == "VCALENDAR")) {
            return core::fail("the calendar cannot be read", fmt::format("a {} within a {:.40}", name, parent));
        }
        if (known && kept_ == open_.size()) {
            ++kept_;
            add(name);
        }
        open_.push_back(name);
        return count_part();
    }

    core::Result<void> count_part() {
        return ++parts_ <= parts_max ? core::Result<void>()
                                     : core::fail("the calendar is too large",
                                                  fmt::format("it has more than {} events and properties", parts_max));
    }

    void add(std::string_view name) {
        if (name == "VCALENDAR") {
            calendars_.emplace_back();
        } else if (name == "VEVENT") {
            calendars_.back().events.emplace_back();
        } else if (name == "VTIMEZONE") {
            calendars_.back().zones.emplace_back();
        } else {
            calendars_.back().zones.back().parts.emplace_back();
        }
    }

    core::Result<void> end(const std::string& name) {
        if (open_.empty() || open_.back() != name) {
            return core::fail("the calendar cannot be read", fmt::format("an END:{:.40} without its BEGIN", name));
        }
        kept_ -= open_.size() == kept_ ? 1 : 0;
        open_.pop_back();
        return {};
    }

    void keep(Property property) {
        Components& calendar = calendars_.back();
        if (open_.size() == 3) {
            calendar.zones.back().parts.back().properties.push_back(std::move(property));
        } else if (open_.back() == "VEVENT") {
            calendar.events.back().properties.push_back(std::move(property));
        } else if (open_.back() == "VTIMEZONE" && property.name == "TZID") {
            calendar.zones.back().name = std::move(property.value);
        }
    }

    std::vector<Components> calendars_;
    std::vector<std::string> open_;  // components that have begun and not ended
    std::size_t parts_ = 0;
    std::size_t kept_ = 0;  // how many of them, from the outermost, are passed on
};

void append_utf8(std::string& to, std::uint32_t code) {
    const auto byte = [&to](std::uint32_t value) { to += static_cast<char>(value); };
    if (code < 0x80) {
        byte(code);
    } else if (code < 0x800) {
        byte(0xC0U | code >> 6U);
        byte(0x80U | (code & 0x3FU));
    } else if (code < 0x10000) {
        byte(0xE0U | code >> 12U);
        byte(0x80U | (code >> 6U & 0x3FU));
        byte(0x80U | (code & 0x3FU));
    } else {
        byte(0xF0U | code >> 18U);
        byte(0x80U | (code >> 12U & 0x3FU));
        byte(0x80U | (code >> 6U & 0x3FU));
        byte(0x80U | (code & 0x3FU));
    }
}

std::string from_utf16(std::string_view text, bool big) {
    const auto unit = [&](std::size_t at) {
        const auto first = static_cast<unsigned char>(text[at]);
        const auto second = static_cast<unsigned char>(text[at + 1]);
        return static_cast<std::uint32_t>(big ? first << 8U | second : second << 8U | first);
    };
    std::string out;
    for (std::size_t at = 0; at + 1 < text.size(); at += 2) {
        std::uint32_t code = unit(at);
        const bool high = code >= 0xD800 && code < 0xDC00;
        if (high && at + 3 < text.size() && unit(at + 2) >= 0xDC00 && unit(at + 2) < 0xE000) {
            code = 0x10000U + ((code - 0xD800U) << 10U) + (unit(at + 2) - 0xDC00U);
            at += 2;
        } else if (code >= 0xD800 && code < 0xE000) {
            code = 0xFFFD;
        }
        append_utf8(out, code);
    }
    return out;
}

}  // namespace

std::string upper(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
    return out;
}

const Property* Component::find(std::string_view name) const {
    const auto found = std::find_if(properties.begin(), properties.end(),
                                    [name](const Property& property) { return property.name == name; });
    return found == properties.end() ? nullptr : &*found;
}

std::string_view Component::text(std::string_view name) const {
    const Property* property = find(name);
    return property == nullptr ? std::string_view() : std::string_view(property->value);
}

std::string to_utf8(std::string text) {
    if (text.starts_with("\xEF\xBB\xBF")) {
        return text.substr(3);
    }
    const bool marked = text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF");
    // Without a byte order mark the first character shows it: ASCII, so its other half is 0.
    const bool big = marked ? text.front() == '\xFE' : text.size() >= 2 && text[0] == '\0' && text[1] != '\0';
    const bool little = !big && (marked || (text.size() >= 2 && text[0] != '\0' && text[1] == '\0'));
    return big || little ? from_utf16(std::string_view(text).substr(marked ? 2 : 0), big) : text;
}

core::Result<std::vector<Components>> read_components(std::string_view text) {
    if (text.find('\0') != std::string_view::npos) {
        return core::fail("no calendar", "it is no text");
    }
    ComponentReader reader;
    while (const auto line = take_line(text)) {
        if (trim(*line).empty()) {
            continue;
        }
        if (auto taken = reader.take(*line); !taken) {
            return tl::unexpected(std::move(taken.error()));
        }
    }
    return reader.finish();
}

}  // namespace appliance::guard
