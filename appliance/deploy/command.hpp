// The command of one server: the recipe's, with {server}, {host} and {port} filled in. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "appliance/config/config.hpp"

namespace appliance::deploy {

// {"step", "command", "server", "host", "port", "timeout_ms"}.
nlohmann::ordered_json view_command(const config::Config& config, const config::Recipe& recipe, unsigned step,
                                    const std::string& server);

}  // namespace appliance::deploy
