// Upgrade: `gatehouse upgrade`, which is asked of one daemon and answered by the next.
#pragma once

#include <string>

#include "appliance/cli/options.hpp"
#include "appliance/cli/outcome.hpp"

namespace appliance::cli {

// Asks for the upgrade, then waits until the daemon says how it ended. Code 1 where it was refused or given up, 4 where
// options.wait (60 s) ran out before. claimed_by: as in request_for.
Outcome upgrade(const Options& options, const std::string& claimed_by);

}  // namespace appliance::cli
