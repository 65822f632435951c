// perform(): carries out one step of a rollout, but for a run, which is somebody else's command (conductor).
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "appliance/deploy/actions.hpp"
#include "appliance/deploy/rollout.hpp"
#include "core/base/result.hpp"

namespace appliance::deploy {

// Blocks until the step's evidence is there; returns it. Errors: what is not as it has to be, or stop was set (looked
// at ten times a second at least). May be called again for the same step.
// say: told what a long wait is for, when that changes.
core::Result<std::string> perform(const Step& step, const Rollout& rollout, Actions& actions,
                                  const std::atomic<bool>& stop, const std::function<void(const std::string&)>& say);

}  // namespace appliance::deploy
