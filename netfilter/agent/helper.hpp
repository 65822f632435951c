// The main loop of the fence process, the only process with CAP_NET_ADMIN. It talks to control over one end of a Unix
// socket pair, and to the kernel through its FenceManager. It listens on no socket and reads nothing from the network.
#pragma once

#include "core/base/result.hpp"
#include "netfilter/agent/redirect_desk.hpp"
#include "netfilter/fence/fence_manager.hpp"

namespace netfilter {

// Answers requests from `link` (the caller's blocking SOCK_SEQPACKET socket) and returns when the peer closes it. Makes
// only redirects that `allow` accepts. One thread. Errors: the link broke, or the peer sent what no HelperClient sends.
// The caller then ends the process, and control starts another; the fences stay in the kernel.
core::Result<void> serve(int link, FenceManager& manager, const AllowRedirects& allow);

}  // namespace netfilter
