// `gatehouse config apply`: reads the file and has the daemon take it.
#pragma once

#include <string>

#include "appliance/cli/options.hpp"
#include "appliance/cli/outcome.hpp"

namespace appliance::cli {

// Code 2 where the file cannot be read or is too long, or the daemon finds a problem in it.
Outcome apply_configuration(const Options& options, const std::string& claimed_by);

}  // namespace appliance::cli
