// What POST /v1/diagnose/... and GET /v1/log look like on a terminal. Pure.
#pragma once

#include <string>

#include "appliance/cli/options.hpp"
#include "appliance/cli/style.hpp"
#include "appliance/cli/view.hpp"

namespace appliance::cli {

// What worked; empty where it did not.
std::string show_connected(const Json& answer, const Style& style);
std::string show_resolved(const Json& answer, const Style& style);
std::string show_pinged(const Json& answer, const Style& style);
// From the body itself: the fields of a line are shown in their order.
std::string show_log(const std::string& body, const Style& style);

// Why it did not work, in one line; empty where it did, or another command was asked.
std::string diagnosis(const Json& answer, const Options& options);

}  // namespace appliance::cli
