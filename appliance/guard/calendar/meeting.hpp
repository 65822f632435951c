// Meeting: an event of a calendar, read (RFC 5545 3.6.1), before its occurrences are looked for. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "appliance/guard/calendar/components.hpp"
#include "appliance/guard/calendar/rule.hpp"
#include "appliance/guard/calendar/stamp.hpp"
#include "appliance/guard/calendar/zone_book.hpp"
#include "core/base/result.hpp"

namespace appliance::guard {

// RDATE and EXDATE values of one event: each is compared with each occurrence.
inline constexpr std::size_t dates_max = 1'000;

// A time with its zone; of a date, the reader's zone.
struct Moment {
    Stamp stamp;
    ZonePointer zone;

    [[nodiscard]] Instant instant() const { return zone->instant(stamp.local); }
};

// How long it lasts: the longest of these. RFC 5545 3.8.5.3 has what DURATION says nominal, and what DTEND says exact;
// but many programs keep the end on the clock. The two differ on days when the clocks change.
struct Lasting {
    Length nominal;                // of DURATION
    std::chrono::seconds exact{};  // of DTEND, as time passes
    std::chrono::seconds shown{};  // of DTEND, as the clock of its beginning shows it
};

struct Addition {
    Moment begin;
    std::optional<Lasting> own;  // of a period
};

enum class Range : std::uint8_t { itself, and_future, and_prior };

struct Meeting {
    std::string uid;
    std::string summary;  // one line, for people
    bool silent = false;  // is_silent
    Moment start;
    Lasting lasting;
    std::vector<Rule> rules;
    std::vector<Rule> left_out;       // EXRULE (RFC 2445)
    std::vector<Addition> additions;  // RDATE
    std::vector<Moment> exceptions;   // EXDATE; those that cannot be read are left out, which leaves people meeting
    std::optional<Moment> replaces;   // RECURRENCE-ID; such a meeting does not recur
    Range range = Range::itself;
};

// here: the zone of times that name none. Errors: what of it is not understood.
core::Result<Meeting> read_meeting(const Component& event, ZoneBook& zones, const ZonePointer& here);

// Between which local times an event can lie that is not understood, wherever on Earth. Nothing: any.
struct Possible {
    std::optional<Local> from;
    std::optional<Local> until;
};
Possible possible_times(const Component& event);

// Cancelled, or marked as taking no time.
bool is_silent(const Component& event);

// "'Board' of 2026-11-23".
std::string name_of(const Component& event);

// When an occurrence of it that begins then ends; of no length, it lasts for its minute.
Instant end_of(const Lasting& lasting, const Zone& zone, Local begin);

}  // namespace appliance::guard
