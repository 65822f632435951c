#include "appliance/guard/calendar/meeting.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "appliance/guard/calendar/span.hpp"

namespace appliance::guard {
namespace {

using std::chrono::days;
using std::chrono::seconds;

// As long as a meeting may be of which only the beginning can be read.
constexpr days longest_unread{31};

std::string unescape(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const bool escaped = text[at] == '\\' && at + 1 < text.size();
        at += escaped ? 1 : 0;
        out += escaped && (text[at] == 'n' || text[at] == 'N') ? ' ' : text[at];
    }
    return out;
}

std::string_view take_item(std::string_view& list) {
    const auto end = std::min(list.find(','), list.size());
    const std::string_view item = list.substr(0, end);
    list.remove_prefix(std::min(end + 1, list.size()));
    return item;
}

class MeetingReader {
public:
    MeetingReader(const Component& event, ZoneBook& zones, const ZonePointer& here)
        : event_(event), zones_(zones), here_(here) {}

    core::Result<Meeting> read() {
        meeting_.uid = event_.text("UID");
        const std::string summary = unescape(event_.text("SUMMARY"));
        meeting_.summary = summary.empty() ? "a meeting" : brief(summary);
        meeting_.silent = is_silent(event_);
        auto read = read_start()
                        .and_then([this] { return read_end(); })
                        .and_then([this] { return read_recurrence_id(); })
                        .and_then([this] { return read_others(); });
        return read ? core::Result<Meeting>(std::move(meeting_)) : tl::unexpected(std::move(read.error()));
    }

private:
    core::Result<Moment> moment(const Property& property, std::string_view value) {
        const auto stamp = parse_stamp(value, property.tzid);
        if (!stamp) {
            return core::fail(fmt::format("its {}:{} is no time", property.name, brief(value)));
        }
        auto zone = stamp->kind == Stamp::Kind::utc     ? zones_.find("UTC")
                    : stamp->kind == Stamp::Kind::zoned ? zones_.find(stamp->zone)
                                                        : here_;
        if (zone == nullptr) {
            return core::fail("its time zone is not known: " + brief(stamp->zone), {},
                              "the calendar should hold its VTIMEZONE");
        }
        return Moment{*stamp, std::move(zone)};
    }

    // In the zone of the beginning, where it names none.
    core::Result<Moment> moment_beside_start(const Property& property, std::string_view value) {
        auto read = moment(property, value);
        if (read && (read->stamp.kind == Stamp::Kind::floating || read->stamp.whole_day())) {
            read->zone = meeting_.start.zone;
        }
        return read;
    }

    core::Result<void> read_start() {
        const auto begins = std::count_if(event_.properties.begin(), event_.properties.end(),
                                          [](const Property& property) { return property.name == "DTSTART"; });
        const Property* property = event_.find("DTSTART");
        if (begins != 1) {
            return core::fail(begins == 0 ? "it has no DTSTART" : "it has more than one DTSTART");
        }
        auto start = moment(*property, property->value);
        if (!start) {
            return tl::unexpected(std::move(start.error()));
        }
        meeting_.start = std::move(*start);
        return {};
    }

    // A meeting without an end lasts for its minute, or for its day.
    core::Result<void> read_end() {
        const Stamp& start = meeting_.start.stamp;
        const Property* ends = event_.find("DTEND");
        const Property* lasts = event_.find("DURATION");
        if (ends != nullptr) {
            return read_dtend(*ends);
        }
        if (lasts == nullptr) {
            meeting_.lasting.nominal.days = days(start.whole_day() ? 1 : 0);
            return {};
        }
        const auto length = parse_length(lasts->value);
        if (!length || length->days + length->time < seconds::zero()) {
            return core::fail(length ? "it ends before it begins" : "its DURATION is not understood",
                              brief(lasts->value));
        }
        meeting_.lasting.nominal = *length;
        if (start.whole_day() && length->empty()) {
            meeting_.lasting.nominal.days = days(1);
        }
        return {};
    }

    core::Result<void> read_dtend(const Property& property) {
        auto end = moment_beside_start(property, property.value);
        if (!end) {
            return tl::unexpected(std::move(end.error()));
        }
        const Moment& start = meeting_.start;
        if (end->stamp.whole_day()) {
            // A day as the end is not part of it any more; but where the meeting begins on that day, it is that day's.
            const bool same_day = !start.stamp.whole_day() && end->stamp.day() == start.stamp.day();
            end->stamp.local += days(same_day ? 1 : 0);
        }
        Lasting& lasting = meeting_.lasting;
        lasting.exact = end->instant() - start.instant();
        // Both in the clock of the start's zone. In the gap of a spring night only this length is positive.
        lasting.shown = start.zone->local(end->instant()) - start.stamp.local;
        if (lasting.exact < seconds::zero() && lasting.shown > seconds::zero()) {
            lasting.exact = lasting.shown;
        }
        if (lasting.exact < seconds::zero()) {
            return core::fail("it ends before it begins");
        }
        if (start.stamp.whole_day() && end->stamp.whole_day()) {
            // From midnight to midnight, however long that is.
            lasting.shown = std::max(lasting.shown, seconds(days(1)));
            lasting.exact = {};
        }
        return {};
    }

    core::Result<void> read_recurrence_id() {
        const Property* property = event_.find("RECURRENCE-ID");
        if (property == nullptr) {
            return {};
        }
        auto id = moment_beside_start(*property, property->value);
        if (!id) {
            return tl::unexpected(std::move(id.error()));
        }
        if (!property->range.empty() && property->range != "THISANDFUTURE" && property->range != "THISANDPRIOR") {
            return core::fail("its RANGE is not understood", brief(property->range));
        }
        meeting_.range = property->range.empty()             ? Range::itself
                         : property->range == "THISANDPRIOR" ? Range::and_prior
                                                             : Range::and_future;
        meeting_.replaces = std::move(*id);
        return {};
    }

    core::Result<void> read_others() {
        std::size_t dates = 0;
        for (const Property& property : event_.properties) {
            const bool addition = property.name == "RDATE";
            const bool rule = property.name == "RRULE" || property.name == "EXRULE";
            if (meeting_.replaces || !(addition || rule || property.name == "EXDATE")) {
                continue;
            }
            if (auto read = rule ? read_rule(property) : read_dates(property, addition, dates); !read) {
                return read;
            }
        }
        return {};
    }

    core::Result<void> read_rule(const Property& property) {
        auto rule = parse_rule(property.value);
        if (!rule) {
            return tl::unexpected(std::move(rule.error()));
        }
        if (meeting_.start.stamp.whole_day() && rule->within_day()) {
            return core::fail("its RRULE is not understood", "parts of days, of an event of whole days");
        }
        (property.name == "RRULE" ? meeting_.rules : meeting_.left_out).push_back(std::move(*rule));
        return {};
    }

    core::Result<void> read_dates(const Property& property, bool additions, std::size_t& count) {
        for (std::string_view list = property.value; !list.empty();) {
            if (++count > dates_max) {
                return core::fail(fmt::format("it has more than {} dates", dates_max));
            }
            const std::string_view item = take_item(list);
            if (additions) {
                if (auto added = read_addition(property, item); !added) {
                    return added;
                }
            } else if (auto exception = moment_beside_start(property, item)) {
                meeting_.exceptions.push_back(std::move(*exception));
            }
        }
        return {};
    }

    core::Result<void> read_addition(const Property& property, std::string_view item) {
        const auto slash = item.find('/');
        auto begin = moment_beside_start(property, item.substr(0, slash));
        if (!begin) {
            return tl::unexpected(std::move(begin.error()));
        }
        Addition addition{std::move(*begin), std::nullopt};
        if (slash != std::string_view::npos) {
            const std::string_view rest = item.substr(slash + 1);
            addition.own.emplace();
            if (const auto length = parse_length(rest)) {
                addition.own->nominal = *length;
            } else if (const auto end = moment_beside_start(property, rest)) {
                addition.own->exact = end->instant() - addition.begin.instant();
            }
            if (addition.own->nominal.empty() && addition.own->exact <= seconds::zero()) {
                return core::fail("its period is not understood", brief(item));
            }
        } else if (addition.begin.stamp.whole_day() && !meeting_.start.stamp.whole_day()) {
            addition.own = Lasting{.nominal = {days(1), {}}, .exact = {}, .shown = {}};
        }
        meeting_.additions.push_back(std::move(addition));
        return {};
    }

    const Component& event_;
    ZoneBook& zones_;
    const ZonePointer& here_;
    Meeting meeting_;
};

// The latest time that a rule can reach. Nothing: it has no end, or none that can be read.
std::optional<Local> last_of(std::string_view rule) {
    const std::string capital = upper(rule);
    const auto at = capital.find("UNTIL=");
    if (at == std::string::npos) {
        return std::nullopt;
    }
    const std::string_view rest = std::string_view(capital).substr(at + 6);
    const auto stamp = parse_stamp(rest.substr(0, rest.find_first_of("; \t")), {});
    return stamp ? std::optional(stamp->local + days(1)) : std::nullopt;
}

}  // namespace

bool is_silent(const Component& event) {
    return upper(event.text("STATUS")) == "CANCELLED" || upper(event.text("TRANSP")) == "TRANSPARENT";
}

core::Result<Meeting> read_meeting(const Component& event, ZoneBook& zones, const ZonePointer& here) {
    return MeetingReader(event, zones, here).read();
}

Possible possible_times(const Component& event) {
    std::optional<Local> first;
    std::optional<Local> last;
    std::optional<Local> start;
    std::optional<seconds> length;
    bool bounded = true;
    for (const Property& property : event.properties) {
        const bool begins = property.name == "DTSTART" || property.name == "RECURRENCE-ID";
        if (property.name == "RRULE") {
            const auto end = last_of(property.value);
            bounded = bounded && end.has_value();
            last = end ? std::max(last.value_or(*end), *end) : last;
        }
        if (property.name == "DURATION") {
            const auto read = parse_length(property.value);
            length = read ? std::optional(std::max(seconds(read->days + read->time), seconds(0))) : std::nullopt;
        }
        if (!begins && property.name != "DTEND" && property.name != "RDATE") {
            continue;
        }
        for (std::string_view list = property.value; !list.empty();) {
            const std::string_view item = take_item(list);
            const auto stamp = parse_stamp(item.substr(0, item.find('/')), {});
            const bool ends = property.name == "DTEND";
            bounded = bounded && (stamp.has_value() || ends);
            if (stamp) {
                first = std::min(first.value_or(stamp->local), stamp->local);
                last = std::max(last.value_or(stamp->local), stamp->local);
                start = property.name == "DTSTART" && !start ? stamp->local : start;
            }
            if (ends && stamp && start) {
                length = std::max(stamp->local - *start, seconds(0));
            }
        }
    }
    const bool shifts = event.find("RECURRENCE-ID") != nullptr && !event.find("RECURRENCE-ID")->range.empty();
    const bool ends = event.find("DTEND") != nullptr || event.find("DURATION") != nullptr;
    const seconds lasting = ends ? length.value_or(longest_unread) : seconds(0);
    constexpr days either_side{1};  // wherever on Earth it is
    if (!start || shifts) {
        return {};
    }
    return {*first - either_side, bounded ? std::optional(*last + lasting + either_side) : std::nullopt};
}

std::string name_of(const Component& event) {
    const std::string summary = unescape(event.text("SUMMARY"));
    const std::string what = summary.empty() ? "a meeting" : "'" + brief(summary) + "'";
    const auto stamp = parse_stamp(event.text("DTSTART"), {});
    if (!stamp) {
        return what + " of an unreadable day";
    }
    const std::chrono::year_month_day day(stamp->day());
    return fmt::format("{} of {:04}-{:02}-{:02}", what, static_cast<int>(day.year()),
                       static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()));
}

Instant end_of(const Lasting& lasting, const Zone& zone, Local begin) {
    const Instant from = zone.instant(begin);
    // RFC 5545 3.8.2.5: days are days of the calendar, hours and below pass.
    const Instant nominal = zone.instant(begin + lasting.nominal.days) + lasting.nominal.time;
    const Instant shown = zone.instant(begin + lasting.shown);
    return std::max({nominal, shown, from + lasting.exact, from + std::chrono::minutes(1)});
}

}  // namespace appliance::guard
