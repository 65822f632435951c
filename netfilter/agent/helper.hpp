// The main loop of the fence process, the only one with CAP_NET_ADMIN. It speaks with control over one end of a Unix
// socket pair, and with the kernel through its FenceManager; it listens nowhere and reads nothing from the network.
#pragma once

#include "core/base/result.hpp"
#include "netfilter/fence/fence_manager.hpp"
#include "netfilter/agent/redirect_desk.hpp"

namespace netfilter {

// Answers requests from `link` (a SOCK_SEQPACKET socket, blocking, stays the caller's) until the peer closes it, and
// returns then. Makes no redirects but those that `allow` lets through. One thread. Errors: the link broke, or the peer
// sent what no HelperClient sends: the caller ends the process then, and control starts another; the fences stay in the
// kernel.
core::Result<void> serve(int link, FenceManager& manager, const AllowRedirects& allow);

}  // namespace netfilter
