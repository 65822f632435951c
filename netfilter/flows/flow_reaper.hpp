// FlowReaper: ends established flows with a backend, which a fence of scope fresh leaves open. `gatehouse fence --kill`
// uses it after the fence stands; the fence process calls it.
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

    // Ends every flow with the backend, except those of health probes (probe_mark), and repeats until there is none.
    // The fence must stand already, or new flows begin faster than old ones end. No flows is no error.
    // A program on this machine gets ECONNABORTED and the backend a reset, both at once. A flow that passes through is
    // forgotten: the client's next packet is refused like a first one. If the backend sends first instead, the flow is
    // tracked again and continues: docs/internals/life_of_a_fence.md, "What it meets".
    // Errors: the kernel cannot end sockets (no CONFIG_INET_DIAG_DESTROY), or new flows keep coming.
    core::Result<Reaped> reap(const Destination& destination);

    // How many open connections the kernel has redirected to the backend (redirect.hpp). Walks the whole table of
    // connection tracking: use it for a status, not for every packet. Errors: the kernel has no connection tracking.
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
