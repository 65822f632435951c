// The command line of deploys: `gatehouse deploy ...`. Called by the parser.
#pragma once

#include "appliance/cli/options.hpp"

namespace CLI {
class App;
}

namespace appliance::cli {

// Adds the command and those below it; they write into options, which outlives app.
void add_deploy(CLI::App& app, Options& options);
// The same for `gatehouse guard`. now: what a duration given to --at begins with.
void add_guard(CLI::App& app, Options& options, core::WallTime now);

}  // namespace appliance::cli
