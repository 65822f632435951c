// FlowReaper: ends the flows with a backend that are already established, which a fence for new ones lets be. What
// `gatehouse fence --kill` does after the fence stands; the fence process calls it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/address.hpp"
#include "core/base/result.hpp"
#include "netfilter/flows/flow_entry.hpp"
#include "netfilter/flows/flow_socket.hpp"
#include "netfilter/model/flows.hpp"
#include "netfilter/netlink/socket.hpp"

namespace netfilter {

// Not thread safe. Works in the network namespace in which open() was called. Needs CAP_NET_ADMIN there.
class FlowReaper {
public:
    // Errors: the kernel has no sock_diag or no netfilter.
    static core::Result<FlowReaper> open();

    // Ends every flow with the backend but those of health probes (probe_mark), and looks again until there is none.
    // The fence must stand already, or new flows come faster than old ones end. Nothing to end is fine.
    // A program here meets ECONNABORTED and the backend a reset, both at once. A flow that passes through is forgotten,
    // so that the client's next packet is refused as if it were the first. Where the backend speaks next instead, the
    // flow is taken up again and goes on: docs/internals/life_of_a_fence.md, "What it meets".
    // Errors: the kernel cannot end sockets (no CONFIG_INET_DIAG_DESTROY), or new ones keep coming.
    core::Result<Reaped> reap(const Destination& destination);

    // How many connections the kernel has redirected to the backend (redirect.hpp) that have not ended yet. Walks all
    // that connection tracking knows: for a status, not for every packet. Errors: the kernel has no connection
    // tracking.
    core::Result<std::uint64_t> count_redirected(const Destination& destination);

private:
    FlowReaper(Socket diag, Socket tracking);
    core::Result<std::vector<FlowSocket>> read_sockets(const Destination& destination);
    core::Result<std::vector<FlowEntry>> read_entries(const Destination& destination);
    core::Result<std::vector<FlowEntry>> read_entries(const Destination& destination, FlowRole role);
    core::Result<std::size_t> end_sockets(std::span<const FlowSocket> sockets, std::uint8_t protocol);
    core::Result<void> forget(std::span<const FlowEntry> entries);

    Socket diag_;
    Socket tracking_;
};

}  // namespace netfilter
