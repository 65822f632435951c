// How the appliance's versions look in a terminal. Pure.
#pragma once

#include <string>

#include "appliance/cli/style.hpp"
#include "appliance/cli/view.hpp"

namespace appliance::cli {

// GET /v1/update.
std::string show_update(const Json& answer, const Style& style);
// POST /v1/update/install, /rollback, /reboot.
std::string show_update_asked(const Json& answer);

}  // namespace appliance::cli
