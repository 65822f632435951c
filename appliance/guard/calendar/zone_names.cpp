// Other names of time zones. The two tables are made at build time out of CLDR's (package unicode-cldr-core) by
// zone_names.cmake: names that mean the same zone, and for each of Windows's the one of the database.
#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "appliance/guard/calendar/zone.hpp"

namespace appliance::guard {
namespace {

struct WindowsName {
    std::string_view name;
    std::string_view zone;
};

#include "appliance/guard/calendar/zone_names.inc"

// Names with a blank between them.
bool has_word(std::string_view list, std::string_view word) {
    while (!list.empty()) {
        const auto end = std::min(list.find(' '), list.size());
        if (list.substr(0, end) == word) {
            return true;
        }
        list.remove_prefix(std::min(end + 1, list.size()));
    }
    return false;
}

}  // namespace

std::vector<std::string_view> other_zone_names(std::string_view name) {
    std::vector<std::string_view> names;
    const auto windows = std::find_if(std::begin(windows_names), std::end(windows_names),
                                      [name](const WindowsName& one) { return one.name == name; });
    if (windows != std::end(windows_names)) {
        names.push_back(windows->zone);
        name = windows->zone;
    }
    // A name of the database may be an old one there and missing here: Debian 13 has those in a package of their own.
    const auto group = std::find_if(std::begin(same_zones), std::end(same_zones),
                                    [name](std::string_view list) { return has_word(list, name); });
    std::string_view list = group == std::end(same_zones) ? std::string_view() : *group;
    while (!list.empty()) {
        const auto end = std::min(list.find(' '), list.size());
        if (list.substr(0, end) != name) {
            names.push_back(list.substr(0, end));
        }
        list.remove_prefix(std::min(end + 1, list.size()));
    }
    return names;
}

}  // namespace appliance::guard
