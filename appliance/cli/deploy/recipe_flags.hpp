// Options for the commands that begin or plan a deploy: one for each field of a recipe (config::each_field).
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace CLI {
class App;
}

namespace appliance::cli {

// What is given goes into settings, an object, as the API wants it; what is not stays the recipe's. settings outlives
// app.
void add_recipe_flags(CLI::App& app, nlohmann::json& settings);

// Throws CLI::ValidationError where the command names an unknown placeholder: before anything is sent.
void check_command(const std::string& flag, const std::string& command);
// --yes-run: the digest of the commands that may run here, in whole.
void add_yes_run(CLI::App& app, std::string& digest);

}  // namespace appliance::cli
