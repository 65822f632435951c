// `gatehouse firewall` on the command line. Called by the parser.
#pragma once

#include "appliance/cli/options.hpp"

namespace CLI {
class App;
}

namespace appliance::cli {

void add_firewall(CLI::App& app, Options& options);

}  // namespace appliance::cli
