// Reads a calendar's text (RFC 5545 3.1, 3.4): events and time zones, with the properties that decide on times. Pure.
// Called by calendar.cpp.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"

namespace appliance::guard {

// How deep components may stand in each other; real calendars need three.
inline constexpr std::size_t nesting_max = 8;
// Components and properties that are kept, of all calendars in a text: one takes some 130 bytes of memory, and may be 5
// bytes of text. An event has about ten.
inline constexpr std::size_t parts_max = 600'000;

struct Property {
    std::string name;   // in upper case
    std::string tzid;   // the parameter, without quotes; empty: none
    std::string range;  // the same, in upper case
    std::string value;  // without blanks around it
};

struct Component {
    std::vector<Property> properties;

    // The first of that name; null where there is none.
    [[nodiscard]] const Property* find(std::string_view name) const;
    // Empty where there is none.
    [[nodiscard]] std::string_view text(std::string_view name) const;
};

// A VTIMEZONE: the parts are STANDARD and DAYLIGHT, which differ in nothing that matters here.
struct ZoneComponent {
    std::string name;
    std::vector<Component> parts;
};

struct Components {
    std::vector<Component> events;
    std::vector<ZoneComponent> zones;
};

// ASCII letters only.
std::string upper(std::string_view text);

// text as UTF-8 without a byte order mark, where it is UTF-16 (Outlook's "Unicode") or has such a mark.
std::string to_utf8(std::string text);

// One for each VCALENDAR. Errors: no VCALENDAR, one that is cut off or malformed, nested deeper than nesting_max, more
// than parts_max. Also one with a VFREEBUSY: its times would be missed. Property values are not checked.
core::Result<std::vector<Components>> read_components(std::string_view text);

}  // namespace appliance::guard
