#include "appliance/guard/calendar/zone.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>

namespace appliance::guard {

Zone::Zone(Clock before, std::vector<Change> changes) : before_(std::move(before)) {
    std::stable_sort(changes.begin(), changes.end(), [](const Change& a, const Change& b) { return a.at < b.at; });
    for (Change& change : changes) {
        if (!turns_.empty() && turns_.back().at == change.at) {
            turns_.pop_back();
        }
        const std::chrono::seconds last = turns_.empty() ? before_.offset : turns_.back().clock.offset;
        // Both what is skipped and what comes twice still belongs to the clock before.
        const auto offset = std::max(last, change.clock.offset);
        turns_.push_back({change.at, Local(change.at.time_since_epoch() + offset), std::move(change.clock)});
    }
}

const Zone::Clock& Zone::clock(Instant at) const {
    const auto next = std::upper_bound(turns_.begin(), turns_.end(), at,
                                       [](Instant time, const Turn& turn) { return time < turn.at; });
    return next == turns_.begin() ? before_ : std::prev(next)->clock;
}

Local Zone::local(Instant at) const {
    return Local(at.time_since_epoch() + clock(at).offset);
}

Instant Zone::instant(Local time) const {
    const auto next = std::upper_bound(turns_.begin(), turns_.end(), time,
                                       [](Local wanted, const Turn& turn) { return wanted < turn.from; });
    return Instant(time.time_since_epoch() - (next == turns_.begin() ? before_.offset : std::prev(next)->clock.offset));
}

std::string Zone::print(core::WallTime time) const {
    const Instant at = std::chrono::floor<std::chrono::seconds>(time);
    const Clock& shown = clock(at);
    const Local here(at.time_since_epoch() + shown.offset);
    const auto day = std::chrono::floor<std::chrono::days>(here);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss hour(here - day);
    const std::string seconds =
        hour.seconds().count() == 0 ? std::string() : fmt::format(":{:02}", hour.seconds().count());
    return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}{} {}", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), hour.hours().count(),
                       hour.minutes().count(), seconds, shown.abbreviation);
}

ZonePointer system_zone(const std::string& name) {
    const bool plain = !name.empty() && name.size() < 100 && name.front() != '/' && name.back() != '/' &&
                       name.find("..") == std::string::npos && name.find('\0') == std::string::npos;
    if (!plain) {
        return nullptr;
    }
    std::ifstream file("/usr/share/zoneinfo/" + name, std::ios::binary);
    std::ostringstream bytes;
    bytes << file.rdbuf();
    auto zone = file ? parse_zone_file(bytes.str()) : std::nullopt;
    return zone ? std::make_shared<const Zone>(std::move(*zone)) : nullptr;
}

ZonePointer system_zone_or_utc(const std::string& name) {
    static const auto utc = std::make_shared<const Zone>();
    auto zone = name == "UTC" ? nullptr : system_zone(name);
    return zone == nullptr ? utc : zone;
}

}  // namespace appliance::guard
