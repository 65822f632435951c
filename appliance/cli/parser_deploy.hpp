// The command line of deploys: `gatehouse deploy ...`. Called by the parser.
#pragma once

#include "appliance/cli/options.hpp"

namespace CLI {
class App;
}

namespace appliance::cli {

// Adds the command and those below it; they write into options, which outlives app.
// now: what a duration given to --at begins with.
void add_deploy(CLI::App& app, Options& options, core::WallTime now);
// The same for `gatehouse guard`.
void add_guard(CLI::App& app, Options& options, core::WallTime now);

}  // namespace appliance::cli
