#include "appliance/guard/calendar.hpp"

#include <fmt/format.h>
#include <libical/ical.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>

#include "appliance/guard/apart.hpp"
#include "appliance/guard/sift.hpp"

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
    icaltimezone* zone = nullptr;  // of times that name none
    bool floating = false;
    std::time_t length = 0;
    std::string what;
    const std::set<std::time_t>* moved = nullptr;  // occurrences that stand elsewhere in the calendar
    std::vector<Span>* spans = nullptr;
};

void add(const Expansion& into, std::time_t begin, std::time_t length) {
    const std::time_t start = into.floating ? in_zone(begin, into.zone) : begin;
    const std::time_t end = into.floating ? in_zone(begin + length, into.zone) : begin + length;
    if (start < into.until && end > into.from && into.spans->size() <= meetings_max) {
        into.spans->push_back({wall(start), wall(end), into.what});
    }
}

// The library's own idea of the end is not asked for: to it a whole day has two.
void add_occurrence(icalcomponent* /*event*/, struct icaltime_span* span, void* data) {
    const auto& into = *static_cast<Expansion*>(data);
    if (into.moved == nullptr || !into.moved->contains(span->start)) {
        add(into, span->start, into.length);
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

template <typename Each>
void each_property(icalcomponent* event, icalproperty_kind kind, Each each) {
    for (icalproperty* property = ::icalcomponent_get_first_property(event, kind); property != nullptr;
         property = ::icalcomponent_get_next_property(event, kind)) {
        each(property);
    }
}

std::time_t moment(const icaltimetype& time) {
    const icaltimezone* zone = ::icaltime_get_timezone(time);
    return ::icaltime_as_timet_with_zone(time, zone == nullptr ? ::icaltimezone_get_utc_timezone() : zone);
}

// The library takes the 40th of a month and makes another day of it.
bool exists(const icaltimetype& time) {
    const std::chrono::year_month_day date(std::chrono::year(time.year),
                                           std::chrono::month(static_cast<unsigned>(time.month)),
                                           std::chrono::day(static_cast<unsigned>(time.day)));
    return ::icaltime_is_null_time(time) == 0 && date.ok() && time.year > 0 && time.hour >= 0 && time.hour < 24 &&
           time.minute >= 0 && time.minute < 60 && time.second >= 0 && time.second <= 60;
}

// Null where the property names no zone, or one that neither the calendar nor the system knows.
const icaltimezone* zone_of(icalproperty* property, icalcomponent* calendar) {
    icalparameter* parameter = ::icalproperty_get_first_parameter(property, ICAL_TZID_PARAMETER);
    const char* name = parameter == nullptr ? nullptr : ::icalparameter_get_tzid(parameter);
    const icaltimezone* zone = name == nullptr ? nullptr : ::icalcomponent_get_timezone(calendar, name);
    return zone == nullptr && name != nullptr ? ::icaltimezone_get_builtin_timezone(name) : zone;
}

// A name that nobody knows could be any time.
core::Result<void> check_zones(icalcomponent* event, icalcomponent* calendar) {
    core::Result<void> known;
    each_property(event, ICAL_ANY_PROPERTY, [&](icalproperty* property) {
        icalparameter* named = ::icalproperty_get_first_parameter(property, ICAL_TZID_PARAMETER);
        if (named != nullptr && zone_of(property, calendar) == nullptr) {
            known = core::fail("an event's time zone is not known", brief(::icalparameter_get_tzid(named)),
                               "the calendar should hold its VTIMEZONE");
        }
    });
    return known;
}

// What the library would work on for hours, and what it passes over.
core::Result<void> check_rules(icalcomponent* event) {
    core::Result<void> sound;
    unsigned rules = 0;
    each_property(event, ICAL_RRULE_PROPERTY, [&](icalproperty* property) {
        const icalrecurrencetype rule = ::icalproperty_get_rrule(property);
        const bool ends_never = ::icaltime_is_null_time(rule.until) != 0;
        if (++rules > 1) {
            sound = core::fail("an event cannot be read", "it has more than one RRULE");
        } else if (rule.freq == ICAL_SECONDLY_RECURRENCE || rule.freq == ICAL_MINUTELY_RECURRENCE) {
            sound = core::fail("an event cannot be read", "it begins again within the hour");
        } else if (rule.count > static_cast<int>(meetings_max)) {
            sound = core::fail("an event cannot be read", fmt::format("it has more than {} occurrences", meetings_max));
        } else if (!ends_never && !exists(rule.until)) {
            sound = core::fail("an event cannot be read", "it recurs until a day that does not exist");
        }
    });
    each_property(event, ICAL_RECURRENCEID_PROPERTY, [&](icalproperty* property) {
        if (::icalproperty_get_first_parameter(property, ICAL_RANGE_PARAMETER) != nullptr) {
            sound = core::fail("an event cannot be read", "it changes all later ones too (RANGE)");
        }
    });
    return sound;
}

icaltimetype recurrence_id(icalcomponent* event) {
    icalproperty* property = ::icalcomponent_get_first_property(event, ICAL_RECURRENCEID_PROPERTY);
    return property == nullptr ? ::icaltime_null_time() : ::icalproperty_get_datetime_with_component(property, event);
}

// When the occurrences that have an event of their own would have begun, by uid.
std::map<std::string, std::set<std::time_t>> find_moved(icalcomponent* calendar) {
    std::map<std::string, std::set<std::time_t>> moved;
    each_event(calendar, [&moved](icalcomponent* event) {
        if (const icaltimetype id = recurrence_id(event); ::icaltime_is_null_time(id) == 0) {
            moved[uid_of(event)].insert(moment(id));
        }
    });
    return moved;
}

// Seconds. A meeting without an end lasts for its minute, or for its day.
core::Result<std::time_t> length_of(icalcomponent* event, const icaltimetype& start) {
    constexpr std::time_t day = 24 * 3600;
    const bool whole_days = ::icaltime_is_date(start) != 0;
    std::time_t length = 0;
    if (icalproperty* ends = ::icalcomponent_get_first_property(event, ICAL_DTEND_PROPERTY); ends != nullptr) {
        const icaltimetype end = ::icalproperty_get_datetime_with_component(ends, event);
        if (!exists(end) || (::icaltime_is_date(end) != 0) != whole_days || floating(end) != floating(start)) {
            return core::fail("an event's end cannot be read", brief(uid_of(event)));
        }
        length = moment(end) - moment(start);
    } else if (icalproperty* lasts = ::icalcomponent_get_first_property(event, ICAL_DURATION_PROPERTY)) {
        length = ::icaldurationtype_as_int(::icalproperty_get_duration(lasts));
    }
    if (length < 0) {
        return core::fail("an event ends before it begins", brief(uid_of(event)));
    }
    return std::max(length, whole_days ? day : 60);
}

// Periods of their own lengths, which the library's walk leaves out.
core::Result<void> add_periods(icalcomponent* event, icalcomponent* calendar, const Expansion& into) {
    core::Result<void> sound;
    each_property(event, ICAL_RDATE_PROPERTY, [&](icalproperty* property) {
        const icaldatetimeperiodtype date = ::icalproperty_get_rdate(property);
        icalperiodtype period = date.period;
        if (::icalperiodtype_is_null_period(period) != 0) {
            sound = exists(date.time) ? sound : core::fail("an event's date cannot be read", brief(uid_of(event)));
            return;
        }
        const icaltimezone* zone = zone_of(property, calendar);
        const bool has_end = ::icaltime_is_null_time(period.end) == 0;
        for (icaltimetype* time : {&period.start, &period.end}) {
            time->zone = ::icaltime_is_utc(*time) != 0 ? time->zone : zone;
        }
        const std::time_t length = has_end ? moment(period.end) - moment(period.start)
                                           : std::time_t{::icaldurationtype_as_int(period.duration)};
        if (!exists(period.start) || (has_end && !exists(period.end)) || length <= 0) {
            sound = core::fail("an event's period cannot be read", brief(uid_of(event)));
            return;
        }
        Expansion own = into;
        own.floating = floating(period.start);
        add(own, moment(period.start), length);
    });
    return sound;
}

core::Result<void> expand(icalcomponent* event, icalcomponent* calendar,
                          const std::map<std::string, std::set<std::time_t>>& moved, Expansion into) {
    if (auto sound = check_zones(event, calendar).and_then([event] { return check_rules(event); }); !sound) {
        return sound;
    }
    icalproperty* begins = ::icalcomponent_get_first_property(event, ICAL_DTSTART_PROPERTY);
    const icaltimetype start =
        begins == nullptr ? ::icaltime_null_time() : ::icalproperty_get_datetime_with_component(begins, event);
    const icaltimetype id = recurrence_id(event);
    const bool itself_moved = ::icaltime_is_null_time(id) == 0;
    if (!exists(start) || (itself_moved && !exists(id))) {
        return core::fail("an event has no time to begin at", brief(uid_of(event)));
    }
    const auto length = length_of(event, start);
    if (!length) {
        return tl::unexpected(length.error());
    }
    const char* summary = ::icalcomponent_get_summary(event);
    into.what = summary == nullptr ? "a meeting" : brief(summary);
    into.floating = floating(start);
    into.length = *length;
    const auto found = moved.find(uid_of(event));
    into.moved = found == moved.end() || itself_moved ? nullptr : &found->second;
    // Wider by a day, because a time without a zone may be that far off.
    constexpr std::time_t slack = 24 * 3600;
    const icaltimetype first = ::icaltime_from_timet_with_zone(into.from - slack, 0, ::icaltimezone_get_utc_timezone());
    const icaltimetype last = ::icaltime_from_timet_with_zone(into.until + slack, 0, ::icaltimezone_get_utc_timezone());
    ::icalcomponent_foreach_recurrence(event, first, last, add_occurrence, &into);
    return add_periods(event, calendar, into);
}

// The processor's, of this thread: a busy machine makes no calendar too long.
std::chrono::nanoseconds time_spent() {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

core::Result<void> read_one(const std::string& text, const Expansion& into, std::chrono::nanoseconds deadline) {
    const Component calendar(::icalparser_parse_string(text.c_str()));
    if (!calendar || ::icalcomponent_isa(calendar.get()) != ICAL_VCALENDAR_COMPONENT ||
        ::icalcomponent_count_errors(calendar.get()) != 0) {
        return core::fail("the calendar cannot be read", "a time or a rule of it is not understood");
    }
    const auto moved = find_moved(calendar.get());
    core::Result<void> read;
    each_event(calendar.get(), [&](icalcomponent* event) {
        if (!read || !speaks_against(event)) {
            return;
        }
        read = expand(event, calendar.get(), moved, into);
        if (read && time_spent() > deadline) {
            read = core::fail("the calendar cannot be read", "its recurrences take too long to follow");
        }
    });
    return read;
}

core::Result<std::vector<Span>> read_here(const std::string& text, core::WallTime from, core::WallTime until,
                                          const std::string& zone) {
    const auto calendars = sift(text);
    if (!calendars) {
        return tl::unexpected(calendars.error());
    }
    const auto deadline = time_spent() + reading_max;
    std::vector<Span> spans;
    const Expansion into{
        .from = seconds(from), .until = seconds(until), .zone = find_zone(zone), .what = {}, .spans = &spans};
    for (const std::string& calendar : *calendars) {
        if (auto read = read_one(calendar, into, deadline); !read) {
            return tl::unexpected(std::move(read.error()));
        }
    }
    if (spans.size() > meetings_max) {
        return core::fail("the calendar has too many events", fmt::format("more than {}", meetings_max));
    }
    std::sort(spans.begin(), spans.end(), [](const Span& a, const Span& b) { return a.from < b.from; });
    return spans;
}

// From one process to the other.
std::string pack(const core::Result<std::vector<Span>>& read) {
    json answer;
    if (read) {
        answer["spans"] = json::array();
        for (const Span& span : *read) {
            answer["spans"].push_back(
                {span.from.time_since_epoch().count(), span.until.time_since_epoch().count(), span.why});
        }
    } else {
        answer = {{"what", read.error().what}, {"why", read.error().why}, {"mend", read.error().mend}};
    }
    return answer.dump(-1, ' ', false, json::error_handler_t::replace);
}

core::Result<std::vector<Span>> unpack(const std::string& text) {
    const json answer = json::parse(text, nullptr, false);
    if (answer.is_discarded()) {
        return core::fail("the calendar cannot be read", "reading it was cut off");
    }
    if (!answer.contains("spans")) {
        return core::fail(answer["what"], answer["why"], answer["mend"]);
    }
    std::vector<Span> spans;
    const auto time = [](const json& count) { return core::WallTime(core::Milliseconds(count.get<std::int64_t>())); };
    for (const json& span : answer["spans"]) {
        spans.push_back({time(span[0]), time(span[1]), span[2]});
    }
    return spans;
}

}  // namespace

core::Result<std::vector<Span>> read_calendar(const std::string& text, core::WallTime from, core::WallTime until,
                                              const std::string& zone) {
    auto answer = apart([&] { return pack(read_here(text, from, until, zone)); }, library());
    if (!answer) {
        return core::fail("the calendar cannot be read", answer.error().line());
    }
    return unpack(*answer);
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
