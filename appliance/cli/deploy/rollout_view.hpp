// How rollouts look in a terminal. Pure.
#pragma once

#include <string>

#include "appliance/cli/terminal/style.hpp"
#include "appliance/cli/terminal/view.hpp"

namespace appliance::cli {

// The plan of --dry-run: every step with what it waits for.
std::string show_plan(const Json& rollout, const Style& style);
// One rollout: where it is, and its steps.
std::string show_rollout(const Json& rollout, core::WallTime now, const Style& style);
std::string show_history(const Json& history, core::WallTime now, const Style& style);
// What each step took and what visitors saw.
std::string show_report(const Json& report, core::WallTime now, const Style& style);
// The last lines of a deploy that has ended or stands: what became of it, and what to do.
std::string show_end(const Json& rollout, const Style& style);

}  // namespace appliance::cli
