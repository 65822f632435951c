// What a reload changes, in words. Pure.
#pragma once

#include <string>
#include <vector>

#include "appliance/config/model/config.hpp"

namespace appliance::control {

// "listener web: changed", "pool app: backend web2 added", "guard calendar: secret changed", ...; secrets by their
// names alone. Empty where nothing differs, but for what a firewall says that is off before and after.
std::vector<std::string> describe_changes(const config::Config& before, const config::Config& after);

// The new configuration as far as a running Gatehouse can take it: the number of workers, the user, and the paths of
// [control] stay as they are. What had to stay is added to notes.
config::Config keep_fixed(const config::Config& running, config::Config wanted, std::vector<std::string>& notes);

}  // namespace appliance::control
