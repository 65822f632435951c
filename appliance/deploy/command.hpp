// The command of one server: the recipe's, with {server}, {host} and {port} filled in. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "appliance/config/config.hpp"

namespace appliance::deploy {

// {"step", "command", "server", "host", "port", "timeout_ms"}.
nlohmann::ordered_json view_command(const config::Config& config, const config::Recipe& recipe, unsigned step,
                                    const std::string& server);

// Every {name} of the three, each with its value; other braces stay. Values come from the configuration, whose names
// and addresses hold nothing that a shell would take for anything else.
std::string fill_in(std::string command, const std::string& server, const core::Address& backend);

}  // namespace appliance::deploy
