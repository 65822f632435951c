// What the parsers of several commands say alike.
#pragma once

#include <string>

#include "appliance/cli/options.hpp"

namespace CLI {
class App;
}

namespace appliance::cli {

// A command below parent, with --json. parent and options stay the caller's and outlive the parse.
CLI::App& add_verb(CLI::App& parent, Options& options, Command command, const std::string& name,
                   const std::string& help);
void add_why(CLI::App& command, Options& options);

}  // namespace appliance::cli
