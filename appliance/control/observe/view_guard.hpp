// What the guards say, as JSON for the API. Blocks as guard::ask does.
#pragma once

#include <nlohmann/json.hpp>

#include "appliance/config/model/config.hpp"

namespace appliance::control {

// {"allowed", "at", "for_ms", "guards": [...], "next_free"}: next_free is null where nothing is known of one.
nlohmann::ordered_json view_guards(const config::Config& config, core::WallTime at, core::Milliseconds length);

}  // namespace appliance::control
