// Assessment: whether the pools that had a server before a change still have one after it, by what checks say. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>
#include <vector>

#include "appliance/config/model/config.hpp"

namespace appliance::control {

// The pools of `after` that had a server with a passed check before: under the same name, or as the pool that a
// listener or a route named in its place. report: of the proxy, before the change; null: nothing is known.
std::set<std::string> served_before(const config::Config& before, const nlohmann::json& report,
                                    const config::Config& after);

struct Assessment {
    bool decided = true;                // each of the pools has a server that passes, or is dark
    std::vector<std::string> dark;      // a line for each pool in which every server fails
    std::vector<std::string> doubtful;  // and for each in which no server has passed yet
};

// served: names of pools; those that config does not have are passed over. report: of now; null: nothing is decided.
Assessment assess(const config::Config& config, const std::set<std::string>& served, const nlohmann::json& report);

// How long it takes at most until each of these pools is decided: its `fall` checks; 5 s at most.
core::Milliseconds patience_for(const config::Config& config, const std::set<std::string>& served);

}  // namespace appliance::control
