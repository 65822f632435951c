// What the names of servers resolve to at present, for `gatehouse check`.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "appliance/config/model/config.hpp"

namespace appliance::cli {

struct ResolvedNow {
    std::string text;                               // a line for each name that resolves
    nlohmann::json json = nlohmann::json::array();  // {"server", "name", "addresses", "error"} for each name
    std::vector<std::string> warnings;              // one for each that does not: no reason to call the file wrong
};

// Asks the name service of this machine, for 5 seconds at most.
ResolvedNow resolve_now(const config::Config& config);

}  // namespace appliance::cli
