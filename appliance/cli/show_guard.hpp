// How the guards' answers look in a terminal. Pure.
#pragma once

#include <string>

#include "appliance/cli/style.hpp"
#include "appliance/cli/view.hpp"

namespace appliance::cli {

std::string show_guards(const Json& answer, core::WallTime now, const Style& style);

}  // namespace appliance::cli
