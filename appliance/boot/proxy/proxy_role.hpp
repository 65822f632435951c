// The proxy process: the data plane and its health checks, under orders of control. Holds no capability, opens no
// file; its listening sockets and its marked probe sockets arrive over the link.
#pragma once

#include "core/base/descriptor.hpp"

namespace appliance::boot {

// Serves until control orders to drain, or its end of the link is closed everywhere. Returns the process's exit code.
// The calling thread reads the link; workers and the monitor have their own.
int run_proxy(core::base::Descriptor link);

}  // namespace appliance::boot
