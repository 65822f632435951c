// Series: a meeting with those events of the calendar that take the place of single occurrences, laid out in time.
// Pure; all zones are of here.
#pragma once

#include <vector>

#include "appliance/guard/calendar/meeting.hpp"
#include "appliance/guard/calendar/span.hpp"

namespace appliance::guard {

struct Series {
    const Meeting* meeting = nullptr;
    const std::vector<const Meeting*>* replacements = nullptr;  // all with RECURRENCE-ID, of the same UID; null: none
};

struct Stretch {
    Instant from;
    Instant until;
};

// Adds what of it lies in the stretch. Errors: its rules take too long to follow, more than meetings_max occurrences.
core::Result<void> lay_out(const Series& series, const Stretch& stretch, Budget& budget, std::vector<Span>& spans);

}  // namespace appliance::guard
