#include "appliance/guard/calendar.hpp"

#include <fmt/format.h>
#include <libical/ical.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>

namespace appliance::guard {
namespace {

using nlohmann::json;
using Component = std::unique_ptr<icalcomponent, decltype([](icalcomponent* one) { ::icalcomponent_free(one); })>;

// The library's table of time zones is filled on first use.
std::mutex& library() {
    static std::mutex mutex;
    return mutex;
}

icaltimezone* find_zone(const std::string& name) {
    icaltimezone* zone = name == "UTC" ? nullptr : ::icaltimezone_get_builtin_timezone(name.c_str());
    return zone == nullptr ? ::icaltimezone_get_utc_timezone() : zone;
}

std::time_t seconds(core::WallTime time) {
    return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

core::WallTime wall(std::time_t time) {
    return core::WallTime(std::chrono::seconds(time));
}

bool floating(const icaltimetype& time) {
    return ::icaltime_get_timezone(time) == nullptr && ::icaltime_is_utc(time) == 0;
}

// A time without a zone was read as if it were UTC; this is when it really is.
std::time_t in_zone(std::time_t read_as_utc, icaltimezone* zone) {
    icaltimetype time = ::icaltime_from_timet_with_zone(read_as_utc, 0, ::icaltimezone_get_utc_timezone());
    time.zone = nullptr;
    return ::icaltime_as_timet_with_zone(time, zone);
}

struct Expansion {
    std::time_t from = 0;
    std::time_t until = 0;
    icaltimezone* zone = nullptr;
    bool floating = false;
    std::time_t too_long = 0;
    std::string what;
    const std::set<std::time_t>* moved = nullptr;  // occurrences that stand elsewhere in the calendar
    std::vector<Span>* spans = nullptr;
};

void add_occurrence(icalcomponent* /*event*/, struct icaltime_span* span, void* data) {
    auto& into = *static_cast<Expansion*>(data);
    if (into.moved != nullptr && into.moved->contains(span->start)) {
        return;
    }
    const std::time_t start = into.floating ? in_zone(span->start, into.zone) : span->start;
    const std::time_t last = span->end - into.too_long;
    const std::time_t end = into.floating ? in_zone(last, into.zone) : last;
    if (start < into.until && end > into.from && end > start && into.spans->size() <= meetings_max) {
        into.spans->push_back({wall(start), wall(end), into.what});
    }
}

bool speaks_against(icalcomponent* event) {
    const icalproperty* transparent = ::icalcomponent_get_first_property(event, ICAL_TRANSP_PROPERTY);
    return ::icalcomponent_get_status(event) != ICAL_STATUS_CANCELLED &&
           (transparent == nullptr || ::icalproperty_get_transp(transparent) != ICAL_TRANSP_TRANSPARENT);
}

std::string uid_of(icalcomponent* event) {
    const char* uid = ::icalcomponent_get_uid(event);
    return uid == nullptr ? std::string() : std::string(uid);
}

template <typename Each>
void each_event(icalcomponent* calendar, Each each) {
    for (icalcomponent* event = ::icalcomponent_get_first_component(calendar, ICAL_VEVENT_COMPONENT); event != nullptr;
         event = ::icalcomponent_get_next_component(calendar, ICAL_VEVENT_COMPONENT)) {
        each(event);
    }
}

// When the occurrences that have an event of their own would have begun, by uid.
std::map<std::string, std::set<std::time_t>> find_moved(icalcomponent* calendar) {
    std::map<std::string, std::set<std::time_t>> moved;
    each_event(calendar, [&moved](icalcomponent* event) {
        const icaltimetype id = ::icalcomponent_get_recurrenceid(event);
        if (::icaltime_is_null_time(id) == 0) {
            const icaltimezone* zone = ::icaltime_get_timezone(id);
            moved[uid_of(event)].insert(
                ::icaltime_as_timet_with_zone(id, zone == nullptr ? ::icaltimezone_get_utc_timezone() : zone));
        }
    });
    return moved;
}

core::Result<void> expand(icalcomponent* event, const std::map<std::string, std::set<std::time_t>>& moved,
                          Expansion into) {
    const icaltimetype start = ::icalcomponent_get_dtstart(event);
    if (::icaltime_is_null_time(start) != 0 || ::icaltime_is_valid_time(start) == 0) {
        return core::fail("an event has no time to begin at", uid_of(event));
    }
    const char* summary = ::icalcomponent_get_summary(event);
    into.what = summary == nullptr ? "a meeting" : summary;
    into.floating = floating(start);
    // The library takes the day of DTEND for one of the event's, where RFC 5545 has the day after it.
    const bool ends = ::icalcomponent_get_first_property(event, ICAL_DTEND_PROPERTY) != nullptr ||
                      ::icalcomponent_get_first_property(event, ICAL_DURATION_PROPERTY) != nullptr;
    into.too_long = ::icaltime_is_date(start) != 0 && ends ? 24 * 3600 - 1 : 0;
    const auto found = moved.find(uid_of(event));
    const bool itself_moved = ::icaltime_is_null_time(::icalcomponent_get_recurrenceid(event)) == 0;
    into.moved = found == moved.end() || itself_moved ? nullptr : &found->second;
    // Wider by a day, because a time without a zone may be that far off.
    constexpr std::time_t slack = 24 * 3600;
    const icaltimetype first = ::icaltime_from_timet_with_zone(into.from - slack, 0, ::icaltimezone_get_utc_timezone());
    const icaltimetype last = ::icaltime_from_timet_with_zone(into.until + slack, 0, ::icaltimezone_get_utc_timezone());
    ::icalcomponent_foreach_recurrence(event, first, last, add_occurrence, &into);
    return {};
}

}  // namespace

core::Result<std::vector<Span>> read_calendar(const std::string& text, core::WallTime from, core::WallTime until,
                                              const std::string& zone) {
    const std::lock_guard lock(library());
    const Component root(::icalparser_parse_string(text.c_str()));
    if (!root || ::icalcomponent_isa(root.get()) != ICAL_VCALENDAR_COMPONENT) {
        return core::fail("no calendar", "it holds no VCALENDAR");
    }
    if (::icalcomponent_count_errors(root.get()) != 0) {
        return core::fail("the calendar cannot be read", "a property of it is not understood");
    }
    std::vector<Span> spans;
    const auto moved = find_moved(root.get());
    core::Result<void> read;
    each_event(root.get(), [&](icalcomponent* event) {
        if (read && speaks_against(event)) {
            read = expand(
                event, moved,
                {.from = seconds(from), .until = seconds(until), .zone = find_zone(zone), .what = {}, .spans = &spans});
        }
    });
    if (!read) {
        return tl::unexpected(std::move(read.error()));
    }
    if (spans.size() > meetings_max) {
        return core::fail("the calendar has too many events", fmt::format("more than {}", meetings_max));
    }
    std::sort(spans.begin(), spans.end(), [](const Span& a, const Span& b) { return a.from < b.from; });
    return spans;
}

core::Result<std::vector<Span>> read_meeting_list(std::string_view text, core::WallTime from, core::WallTime until) {
    const json list = json::parse(text, nullptr, false);
    if (!list.is_array()) {
        return core::fail("no list of meetings", "it is not a JSON array");
    }
    if (list.size() > meetings_max) {
        return core::fail("the list has too many meetings", fmt::format("more than {}", meetings_max));
    }
    std::vector<Span> spans;
    for (const json& item : list) {
        const auto text_of = [&item](const char* key) {
            return item.is_object() && item.contains(key) && item[key].is_string() ? item[key].get<std::string>()
                                                                                   : std::string();
        };
        const auto begin = core::base::parse_time(text_of("from"));
        auto end = core::base::parse_time(text_of("until"));
        if (const auto length = core::base::parse_duration(text_of("duration")); !end && begin && length) {
            end = *begin + *length;
        }
        if (!begin || !end || *end <= *begin) {
            return core::fail("a meeting of the list cannot be read", item.dump().substr(0, 80),
                              R"(write {"from": "2026-11-22T14:00:00Z", "duration": "1h", "what": "…"})");
        }
        if (*begin<until&& * end> from) {
            const std::string what = text_of("what");
            spans.push_back({*begin, *end, what.empty() ? "a meeting" : what});
        }
    }
    std::sort(spans.begin(), spans.end(), [](const Span& a, const Span& b) { return a.from < b.from; });
    return spans;
}

LocalTime local_time(core::WallTime time, const std::string& zone) {
    const std::lock_guard lock(library());
    const icaltimetype local = ::icaltime_from_timet_with_zone(seconds(time), 0, find_zone(zone));
    // The library counts from Sunday, which is its 1.
    const auto day = static_cast<unsigned>((::icaltime_day_of_week(local) + 5) % 7);
    return {day * 24 * 60 + static_cast<unsigned>(local.hour * 60 + local.minute),
            local.year * 10'000 + local.month * 100 + local.day};
}

}  // namespace appliance::guard
