#include "appliance/guard/calendar/zone_book.hpp"

#include <algorithm>

#include "appliance/guard/calendar/stamp.hpp"

namespace appliance::guard {
namespace {

const ZonePointer& utc_zone() {
    static const auto utc = std::make_shared<const Zone>();
    return utc;
}

// UTC by any of its names, at the end of any prefix: "Etc/UTC", "tzone://Microsoft/Utc".
bool is_utc(std::string_view name) {
    const std::string last = upper(name.substr(name.find_last_of('/') + 1));
    return last == "UTC" || last == "GMT" || last == "Z" || last == "ZULU" || last == "UCT";
}

// One to three words between slashes, at the end of the name.
ZonePointer by_ending(std::string_view name) {
    constexpr int words = 3;
    std::vector<std::string> endings;
    for (std::size_t at = name.size(); endings.size() < words;) {
        at = at == 0 ? std::string_view::npos : name.rfind('/', at - 1);
        if (at == std::string_view::npos) {
            break;
        }
        endings.emplace_back(name.substr(at + 1));
    }
    // The longest first: "America/Indiana/Knox".
    for (auto ending = endings.rbegin(); ending != endings.rend(); ++ending) {
        if (auto zone = system_zone(*ending)) {
            return zone;
        }
    }
    return nullptr;
}

struct Observance {
    Zone::Clock before;
    Zone::Clock after;
    Stamp start;
};

std::optional<Observance> read_observance(const Component& part) {
    const auto from = parse_offset(part.text("TZOFFSETFROM"));
    const auto to = parse_offset(part.text("TZOFFSETTO"));
    const auto start = parse_stamp(part.text("DTSTART"), {});
    if (!from || !to || !start) {
        return std::nullopt;
    }
    const std::string name(part.text("TZNAME"));
    return Observance{{*from, name}, {*to, name.empty() ? std::string("local") : name}, *start};
}

// False: it is not understood.
bool add_changes(const Component& part, const Observance& observance, Budget& budget,
                 std::vector<Zone::Change>& changes) {
    // Local times of the clock before, but for UNTIL, which is in UTC.
    const auto instant = [&](Local time) { return Instant(time.time_since_epoch() - observance.before.offset); };
    const auto add = [&](Local time) { changes.push_back({instant(time), observance.after}); };
    add(observance.start.local);
    for (const Property& property : part.properties) {
        if (property.name == "RDATE") {
            for (std::string_view list = property.value; !list.empty();) {
                const auto end = std::min(list.find(','), list.size());
                const auto date = parse_stamp(list.substr(0, end), {});
                if (!date) {
                    return false;
                }
                add(date->local);
                list.remove_prefix(std::min(end + 1, list.size()));
            }
        }
        if (property.name != "RRULE") {
            continue;
        }
        const auto rule = parse_rule(property.value);
        if (!rule) {
            return false;
        }
        std::uint64_t count = 0;
        const Local last(std::chrono::local_days(std::chrono::year(followed_until) / 1 / 1));
        const auto each = [&](Local time) {
            const bool over =
                rule->until && (rule->until->kind == Stamp::Kind::utc
                                    ? instant(time).time_since_epoch() > rule->until->local.time_since_epoch()
                                    : time > rule->until->local + std::chrono::days(1));
            if (!over) {
                add(time);
            }
            return !over && (!rule->count || ++count < *rule->count);
        };
        if (follow(*rule, observance.start.local, false, observance.start.local, last, budget, each) !=
            Followed::to_the_end) {
            return false;
        }
    }
    return true;
}

}  // namespace

std::optional<Zone> read_zone(const ZoneComponent& component, Budget& budget) {
    std::vector<Zone::Change> changes;
    std::optional<Observance> first;
    for (const Component& part : component.parts) {
        const auto observance = read_observance(part);
        if (!observance || !add_changes(part, *observance, budget, changes)) {
            return std::nullopt;
        }
        if (!first || observance->start.local < first->start.local) {
            first = observance;
        }
    }
    return first ? std::optional(Zone(first->before, std::move(changes))) : std::nullopt;
}

ZonePointer ZoneBook::find(const std::string& name) {
    const auto known = known_.find(name);
    if (known == known_.end() && known_.size() >= zone_names_max) {
        return nullptr;
    }
    return known != known_.end() ? known->second : known_.emplace(name, look_up(name)).first->second;
}

ZonePointer ZoneBook::look_up(const std::string& name) {
    if (is_utc(name)) {
        return utc_zone();
    }
    if (auto zone = system_zone(name)) {
        return zone;
    }
    if (auto zone = by_ending(name)) {
        return zone;
    }
    if (auto zone = look_up_own(name)) {
        return zone;
    }
    for (const std::string_view other : other_zone_names(name)) {
        if (auto zone = system_zone(std::string(other))) {
            return zone;
        }
    }
    return nullptr;
}

ZonePointer ZoneBook::look_up_own(const std::string& name) const {
    const auto own =
        std::find_if(own_.begin(), own_.end(), [&](const ZoneComponent& zone) { return zone.name == name; });
    Budget part{std::min(budget_.left, steps_of_zone)};
    const std::uint64_t given = part.left;
    auto zone = own == own_.end() ? std::nullopt : read_zone(*own, part);
    budget_.left -= given - part.left;
    return zone ? std::make_shared<const Zone>(std::move(*zone)) : nullptr;
}

}  // namespace appliance::guard
