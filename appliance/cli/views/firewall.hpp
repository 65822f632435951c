// The appliance's own firewall, as an operator sees it. Pure.
#pragma once

#include <string>

#include "appliance/cli/terminal/style.hpp"
#include "appliance/cli/terminal/view.hpp"

namespace appliance::cli {

// GET /v1/firewall, POST /v1/firewall/confirm, and "firewall" of GET /v1/rules.
std::string show_firewall(const Json& firewall, core::WallTime now, const Style& style);

}  // namespace appliance::cli
