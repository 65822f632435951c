// ZoneBook: what a calendar's names of time zones mean. One for each calendar, one thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "appliance/guard/calendar/components.hpp"
#include "appliance/guard/calendar/rule.hpp"
#include "appliance/guard/calendar/zone.hpp"

namespace appliance::guard {

// A rule for a day of each year takes a month's days for each of them.
inline constexpr std::uint64_t steps_of_zone = 1'000'000;

// Names in one calendar; each is looked for in several files. Further names are unknown zones.
inline constexpr std::size_t zone_names_max = 500;

class ZoneBook {
public:
    // own: the calendar's VTIMEZONEs; they and budget outlive the book.
    ZoneBook(const std::vector<ZoneComponent>& own, Budget& budget) : own_(own), budget_(budget) {}

    // Null: unknown. Tries in this order: a name of the time zone database; such a name behind a prefix
    // ("/mozilla.org/1/Europe/Berlin"); the calendar's own VTIMEZONE; one of Windows's names; an old name of the
    // database. The database comes first because its rules are newer than a calendar's copy.
    ZonePointer find(const std::string& name);

private:
    ZonePointer look_up(const std::string& name);
    [[nodiscard]] ZonePointer look_up_own(const std::string& name) const;

    const std::vector<ZoneComponent>& own_;
    Budget& budget_;
    std::map<std::string, ZonePointer> known_;
};

// What a VTIMEZONE says. Nothing where it cannot be read.
std::optional<Zone> read_zone(const ZoneComponent& component, Budget& budget);

}  // namespace appliance::guard
