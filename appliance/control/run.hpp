// The control process from its first event to its end.
#pragma once

#include "appliance/config/model/config.hpp"
#include "core/base/descriptor.hpp"

namespace appliance::control {

// supervisor: a link::Channel's end. api: the listening control socket. Serves until the supervisor closes its end;
// returns the exit code. The config has been loaded by this process, so that what it cannot read is known before.
int run(config::Config config, core::base::Descriptor supervisor, core::base::Descriptor api);

}  // namespace appliance::control
