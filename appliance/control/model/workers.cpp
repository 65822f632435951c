#include "appliance/control/model/workers.hpp"

#include <algorithm>
#include <thread>

namespace appliance::control {

unsigned worker_count(const config::Config& config) noexcept {
    return config.proxy.workers != 0 ? config.proxy.workers : std::max(1U, std::thread::hardware_concurrency());
}

}  // namespace appliance::control
