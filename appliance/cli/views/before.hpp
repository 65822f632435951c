// Before a change: what its operator should know first, and whether to ask. Pure, from GET /v1/status. No lines: there
// is nothing to say.
#pragma once

#include "appliance/cli/client/change.hpp"

namespace appliance::cli {

// Of a fence that leaves a pool without a usable server, or that holds in other pools too. common: its servers and
// pool.
Warning before_fence(const Json& status, const Common& common);
// Of the maintenance page, shown or taken away for pools that were not named.
Warning before_page(const Json& status);
Warning before_no_page(const Json& status);

}  // namespace appliance::cli
