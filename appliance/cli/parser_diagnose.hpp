// `gatehouse connect`, `resolve`, `ping`, `log` and `support` on the command line. Called by the parser.
#pragma once

#include "appliance/cli/options.hpp"

namespace CLI {
class App;
}

namespace appliance::cli {

void add_diagnose(CLI::App& app, Options& options);

}  // namespace appliance::cli
