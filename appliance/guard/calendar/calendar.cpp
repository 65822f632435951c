#include "appliance/guard/calendar/calendar.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "appliance/guard/calendar/components.hpp"
#include "appliance/guard/calendar/meeting.hpp"
#include "appliance/guard/calendar/series.hpp"
#include "appliance/guard/calendar/zone_book.hpp"

namespace appliance::guard {
namespace {

using std::chrono::days;

class CalendarReader {
public:
    CalendarReader(const Components& calendar, const Stretch& stretch, const ZonePointer& here, Budget& budget,
                   std::vector<Span>& spans)
        : calendar_(calendar),
          stretch_(stretch),
          here_(here),
          budget_(budget),
          spans_(spans),
          zones_(calendar.zones, budget) {}

    core::Result<void> read() {
        for (const Component& event : calendar_.events) {
            auto meeting = read_meeting(event, zones_, here_);
            if (!meeting && !is_silent(event) && matters(event)) {
                return refuse(event, meeting.error());
            }
            if (meeting) {
                meetings_.push_back({&event, std::move(*meeting)});
            }
        }
        std::map<std::string_view, std::vector<const Meeting*>> replacements;
        for (const Read& one : meetings_) {
            if (one.meeting.replaces) {
                replacements[one.meeting.uid].push_back(&one.meeting);
            }
        }
        for (const Read& one : meetings_) {
            const auto found = replacements.find(one.meeting.uid);
            // Without a UID it is not known which occurrence is replaced: both times count.
            const bool replaced = !one.meeting.replaces && !one.meeting.uid.empty() && found != replacements.end();
            Budget own{std::min(budget_.left, steps_of_event)};
            const std::uint64_t given = own.left;
            auto laid = lay_out({&one.meeting, replaced ? &found->second : nullptr}, stretch_, own, spans_);
            budget_.left -= given - own.left;
            if (!laid && matters(*one.event)) {
                return refuse(*one.event, laid.error());
            }
        }
        return {};
    }

private:
    struct Read {
        const Component* event;
        Meeting meeting;
    };

    // Whether an event that is not understood can lie in the stretch.
    [[nodiscard]] bool matters(const Component& event) const {
        const Possible possible = possible_times(event);
        const Local from(stretch_.from.time_since_epoch());
        const Local until(stretch_.until.time_since_epoch());
        return (!possible.from || *possible.from < until) && (!possible.until || *possible.until > from);
    }

    static tl::unexpected<core::Error> refuse(const Component& event, const core::Error& error) {
        return core::fail(fmt::format("{} cannot be understood", name_of(event)),
                          error.why.empty() ? error.what : fmt::format("{}: {}", error.what, error.why),
                          error.mend.empty() ? "mend it in the calendar, or --override with a reason" : error.mend);
    }

    const Components& calendar_;
    const Stretch& stretch_;
    const ZonePointer& here_;
    Budget& budget_;
    std::vector<Span>& spans_;
    ZoneBook zones_;
    std::vector<Read> meetings_;
};

}  // namespace

core::Result<std::vector<Span>> read_calendar(const std::string& text, core::WallTime from, core::WallTime until,
                                              const std::string& zone) {
    const auto calendars = read_components(to_utf8(text));
    if (!calendars) {
        return tl::unexpected(calendars.error());
    }
    const Stretch stretch{std::chrono::floor<std::chrono::seconds>(from),
                          std::chrono::ceil<std::chrono::seconds>(until)};
    const ZonePointer here = system_zone_or_utc(zone);
    Budget budget{steps_of_calendar};
    std::vector<Span> spans;
    for (const Components& calendar : *calendars) {
        if (auto read = CalendarReader(calendar, stretch, here, budget, spans).read(); !read) {
            return tl::unexpected(std::move(read.error()));
        }
    }
    const auto key = [](const Span& span) { return std::tie(span.from, span.until, span.why); };
    std::sort(spans.begin(), spans.end(), [&](const Span& a, const Span& b) { return key(a) < key(b); });
    spans.erase(std::unique(spans.begin(), spans.end()), spans.end());  // a date that is said twice
    return spans;
}

LocalTime local_time(core::WallTime time, const Zone& zone) {
    const Local local = zone.local(std::chrono::floor<std::chrono::seconds>(time));
    const auto day = std::chrono::floor<days>(local);
    const std::chrono::year_month_day date(day);
    const auto minutes = std::chrono::floor<std::chrono::minutes>(local - day).count();
    const unsigned weekday = std::chrono::weekday(day).iso_encoding() - 1;
    return {
        weekday * 24 * 60 + static_cast<unsigned>(minutes),
        static_cast<int>(date.year()) * 10'000 +
            static_cast<std::int32_t>(static_cast<unsigned>(date.month()) * 100 + static_cast<unsigned>(date.day()))};
}

}  // namespace appliance::guard
