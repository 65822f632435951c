// `gatehouse config` on the command line. Called by the parser.
#pragma once

#include "appliance/cli/options.hpp"

namespace CLI {
class App;
}

namespace appliance::cli {

// --confirm of whatever changes the configuration.
void add_confirm(CLI::App& command, Options& options);
void add_configuration(CLI::App& app, Options& options);

}  // namespace appliance::cli
