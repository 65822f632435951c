// How many workers a configuration means. The supervisor opens as many sockets per listener, control tells the proxy.
#pragma once

#include "appliance/config/model/config.hpp"

namespace appliance::control {

// The configured number, or one per CPU that this process may use. At least 1.
unsigned worker_count(const config::Config& config) noexcept;

}  // namespace appliance::control
