// Forwarding: whether this machine passes packets on, which pools with plane = "kernel" need. The fence process
// switches it on for them (netfilter/redirect/forwarding_keeper.hpp); status says where that has not come to be.
#pragma once

#include <filesystem>
#include <string>

#include "appliance/config/model/config.hpp"

namespace appliance::config {

// What is missing for the pool, in one line with what to do; empty when nothing is: the pool is served by the proxy,
// its backends are on this machine, or the kernel forwards. `root`: of the kernel's switches.
[[nodiscard]] std::string missing_forwarding(const Pool& pool, const std::filesystem::path& root = "/proc/sys");

}  // namespace appliance::config
