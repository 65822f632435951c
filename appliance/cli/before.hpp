// Before a change: what its caller should know first, and whether to ask. Pure, from GET /v1/status.
#pragma once

#include <string>
#include <vector>

#include "appliance/cli/options.hpp"
#include "appliance/cli/view.hpp"

namespace appliance::cli {

struct Warning {
    std::vector<std::string> lines;
    bool asks = false;  // on a terminal, unless --yes is given
};

// Of a fence that leaves a pool without a server that can serve, or that holds in other pools too; of a maintenance
// page for pools that were not named. No lines: nothing to say.
Warning warning_before(const Json& status, const Options& options);

}  // namespace appliance::cli
