// `gatehouse support`: writes the daemon's document to a file of this user's.
#pragma once

#include "appliance/cli/options.hpp"
#include "appliance/cli/outcome.hpp"

namespace appliance::cli {

// Code 1 where the file cannot be written; one that exists is left alone.
Outcome support(const Options& options);

}  // namespace appliance::cli
