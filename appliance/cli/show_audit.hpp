// How the audit log looks in a terminal. Pure.
#pragma once

#include <string>

#include "appliance/cli/style.hpp"
#include "appliance/cli/view.hpp"

namespace appliance::cli {

// GET /v1/audit.
std::string show_audit(const Json& answer, core::WallTime now, const Style& style);

}  // namespace appliance::cli
