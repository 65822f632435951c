// The command line of fences and of the maintenance page. Called by the parser.
#pragma once

#include "appliance/cli/options.hpp"

namespace CLI {
class App;
}

namespace appliance::cli {

// They add their commands, which write into options; options outlive app.
void add_fences(CLI::App& app, Options& options);
// now: what a duration given to --until begins with.
void add_maintenance(CLI::App& app, Options& options, core::WallTime now);
// --mode, of fence and of host-fence.
void add_mode(CLI::App& command, Options& options);

}  // namespace appliance::cli
