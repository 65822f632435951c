// perform(): carries out one step of a rollout, except run: the command line runs that (conductor).
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "appliance/deploy/actions.hpp"
#include "appliance/deploy/rollout.hpp"
#include "core/base/result.hpp"

namespace appliance::deploy {

// Blocks until the step's evidence is there; returns it. Errors: a condition that is not met, or stop was set (checked
// at least ten times a second). May be called again for the same step. say: called with the reason of a long wait, when
// it changes.
core::Result<std::string> perform(const Step& step, const Rollout& rollout, Actions& actions,
                                  const std::atomic<bool>& stop, const std::function<void(const std::string&)>& say);

}  // namespace appliance::deploy
