// The properties for any bytes that a guard reads: a calendar's, an answer of BigBlueButton's. For the fuzz target and
// the unit tests.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "appliance/guard/bigbluebutton.hpp"
#include "appliance/guard/calendar/calendar.hpp"
#include "appliance/guard/calendar/zone.hpp"

namespace appliance::guard {

// The fault found; empty: none.
inline std::string_view check_calendar(std::string_view bytes) {
    using namespace std::chrono_literals;
    const core::WallTime from = std::chrono::sys_days(std::chrono::year(2026) / 3 / 28);
    const core::WallTime until = from + 72h;
    const std::string text(bytes);
    const auto spans = read_calendar(text, from, until, "Europe/Berlin");
    for (const Span& span : spans ? *spans : std::vector<Span>()) {
        if (span.until <= span.from || span.from >= until || span.until <= from) {
            return "a meeting that ends before it begins, or lies elsewhere";
        }
        if (span.why.size() > 120 || span.why != brief(span.why)) {
            return "a name that is not brief";
        }
    }
    static_cast<void>(read_meetings(text));
    static_cast<void>(parse_zone_file(bytes));
    static_cast<void>(follow_zone_rule(bytes, {}));
    return {};
}

}  // namespace appliance::guard
