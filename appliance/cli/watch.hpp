// Watch: `gatehouse rules --watch`, which prints the table anew whenever fences change.
#pragma once

#include "appliance/cli/options.hpp"
#include "appliance/cli/outcome.hpp"

namespace appliance::cli {

// Until the daemon goes away, the reader goes away or Ctrl-C. finish: writes an outcome and returns the exit code.
int watch(const Options& options, int (*finish)(const Outcome&));

}  // namespace appliance::cli
