// The commands of a rollout: the recipe's, with {server}, {host} and {port} filled in as the configuration is now.
// Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "appliance/config/model/config.hpp"
#include "appliance/config/values/server_command.hpp"
#include "appliance/deploy/rollout.hpp"

namespace appliance::deploy {

// As a runner takes it: {"step", "command", "server", "host", "port", "timeout_ms"}.
nlohmann::ordered_json view_command(const config::Config& config, const config::Recipe& recipe, unsigned step,
                                    const std::string& server);

// Every command of the rollout, in the order of its steps, done or not. Then those of its automatic rollback, where the
// recipe has one.
std::vector<config::ServerCommand> commands_of(const config::Config& config, const Rollout& rollout);

// Adds "commands": [{"purpose", "server", "host", "port", "command", "source"}] and "commands_digest" to a rollout.
void add_commands(nlohmann::ordered_json& view, const std::vector<config::ServerCommand>& commands);

}  // namespace appliance::deploy
