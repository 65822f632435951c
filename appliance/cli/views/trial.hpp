// What a change of the configuration has changed, and its trial, of PUT /v1/configuration and POST /v1/reload. Pure.
#pragma once

#include <string>

#include "appliance/cli/terminal/style.hpp"
#include "appliance/cli/terminal/view.hpp"

namespace appliance::cli {

// A line for each of "changed"; verb: "changed" or "would change". Empty where nothing has changed.
std::string show_changed(const Json& answer, const std::string& verb, const Style& style);
// Until when it is on trial, and how to keep it; empty where nothing is on trial.
std::string show_trial(const Json& answer, const Style& style);

}  // namespace appliance::cli
