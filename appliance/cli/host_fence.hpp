// `gatehouse host-fence`: fences on an application server, made by the command itself. There is no daemon to ask.
#pragma once

#include <span>
#include <string>

#include "appliance/cli/options.hpp"
#include "appliance/cli/outcome.hpp"
#include "appliance/cli/style.hpp"
#include "netfilter/model/fence.hpp"

namespace appliance::cli {

// Does what the options say, in the network namespace of the process. Code 1: the kernel refuses, or there is no
// CAP_NET_ADMIN. `who` is kept with the fence.
Outcome host_fence(const Options& options, const std::string& who, core::WallTime now, const Style& style);

// `host-fence list`, for people and for programs.
std::string show_host_fences(std::span<const netfilter::Fence> fences, core::WallTime now, const Style& style);
std::string print_host_fences(std::span<const netfilter::Fence> fences);

}  // namespace appliance::cli
