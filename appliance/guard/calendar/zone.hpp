// Zone: the local times of a place (tzfile(5), RFC 8536; POSIX TZ for the years to come). Pure but for system_zone,
// which reads the package tzdata. A Zone never changes; any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/duration.hpp"

namespace appliance::guard {

using Instant = std::chrono::sys_seconds;
using Local = std::chrono::local_seconds;

class Zone {
public:
    struct Clock {
        std::chrono::seconds offset{};  // local time is UTC and this
        std::string abbreviation;
    };
    // From this instant on.
    struct Change {
        Instant at;
        Clock clock;
    };

    // UTC.
    Zone() : Zone({{}, "UTC"}, {}) {}
    // changes: in any order; of several at one instant the last one holds.
    Zone(Clock before, std::vector<Change> changes);

    [[nodiscard]] const Clock& clock(Instant at) const;
    [[nodiscard]] Local local(Instant at) const;
    // RFC 5545 3.3.5: of a time that exists twice the first; one that does not exist is read with the offset before the
    // gap.
    [[nodiscard]] Instant instant(Local time) const;
    [[nodiscard]] bool exists(Local time) const { return local(instant(time)) == time; }
    // "2026-11-30 06:00 CET"; the second only where it is not 0.
    [[nodiscard]] std::string print(core::WallTime time) const;

private:
    struct Turn {
        Instant at;
        Local from;  // local times from here on are of the clock below
        Clock clock;
    };
    Clock before_;
    std::vector<Turn> turns_;
};

using ZonePointer = std::shared_ptr<const Zone>;

// Rules of the time after the last change are followed up to here.
inline constexpr int followed_until = 2200;

// What a file of tzdata holds. Nothing where it is none.
std::optional<Zone> parse_zone_file(std::string_view bytes);
// The changes of "CET-1CEST,M3.5.0,M10.5.0/3" after an instant, up to followed_until. Nothing where it is no such rule.
std::optional<std::vector<Zone::Change>> follow_zone_rule(std::string_view rule, Instant after);
// The system's zone of that name ("Europe/Berlin"). Null where there is none.
ZonePointer system_zone(const std::string& name);
// The same, and UTC where there is none.
ZonePointer system_zone_or_utc(const std::string& name);

// The other names of a zone: of Windows's ("W. Europe Standard Time") by CLDR's table, of the time zone database's old
// ones by CLDR's aliases. In the order to try.
std::vector<std::string_view> other_zone_names(std::string_view name);

}  // namespace appliance::guard
