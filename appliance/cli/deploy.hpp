// `gatehouse deploy ...`: orders to the conductor, and running a rollout's commands in this terminal.
#pragma once

#include <string>

#include "appliance/cli/options.hpp"
#include "appliance/cli/outcome.hpp"

namespace appliance::cli {

[[nodiscard]] bool is_deploy(Command command) noexcept;

// The exit code. finish prints an outcome.
int deploy(const Options& options, const std::string& claimed_by, int (*finish)(const Outcome&));

}  // namespace appliance::cli
