// The other form of a schedule: meetings as JSON.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "appliance/base/bounded_json.hpp"
#include "appliance/guard/calendar/calendar.hpp"
#include "appliance/guard/fetch.hpp"

namespace appliance::guard {

using nlohmann::json;

namespace {

// As long as one may be of which only the beginning can be read.
constexpr std::chrono::days longest_unread_meeting{31};
// On average, of those that we do not read too.
constexpr std::size_t fields_max = 32;

}  // namespace

core::Result<std::vector<Span>> read_meeting_list(std::string_view text, core::WallTime from, core::WallTime until) {
    const auto read = base::read_json(text, {.bytes = answer_max, .values = meetings_max * fields_max});
    if (!read) {
        return core::fail("no list of meetings", read.error().line());
    }
    const json& list = *read;
    if (!list.is_array()) {
        return core::fail("no list of meetings", "it is not a JSON array");
    }
    if (list.size() > meetings_max) {
        return core::fail("the list has too many meetings", fmt::format("more than {}", meetings_max));
    }
    std::vector<Span> spans;
    std::size_t number = 0;
    for (const json& item : list) {
        ++number;
        const auto text_of = [&item](const char* key) {
            return item.is_object() && item.contains(key) && item[key].is_string() ? item[key].get<std::string>()
                                                                                   : std::string();
        };
        const auto begin = core::base::parse_time(text_of("from"));
        auto end = core::base::parse_time(text_of("until"));
        const bool lasts = item.is_object() && !item.contains("until");
        if (const auto length = core::base::parse_duration(text_of("duration")); lasts && begin && length) {
            end = *begin + *length;
        }
        if (!begin || !end || *end <= *begin) {
            // One that cannot lie in the stretch is ignored, as in a calendar.
            constexpr std::chrono::days a_day{1};
            const auto last = end ? *end + a_day : begin ? *begin + longest_unread_meeting : until;
            const bool near = !begin || (*begin - a_day < until && std::max(*begin + a_day, last) > from);
            if (!near) {
                continue;
            }
            const std::string what = text_of("what");
            return core::fail(fmt::format("meeting {} of the list{} cannot be read", number,
                                          what.empty() ? "" : ", '" + brief(what) + "',"),
                              {}, R"(write {"from": "2026-11-22T14:00:00Z", "duration": "1h", "what": "…"})");
        }
        if ((*begin < until) && (*end > from)) {
            const std::string what = text_of("what");
            spans.push_back({*begin, *end, what.empty() ? "a meeting" : brief(what)});
        }
    }
    std::sort(spans.begin(), spans.end(), [](const Span& a, const Span& b) { return a.from < b.from; });
    return spans;
}

}  // namespace appliance::guard
