// HostFences: fences on an application server against another balancer: new connections from it to our ports are
// refused. `gatehouse host-fence` makes one for each command. No process runs in between, and the kernel holds the only
// state. The table exists only while it holds a fence.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "core/base/result.hpp"
#include "netfilter/kernel/kernel.hpp"
#include "netfilter/model/fence.hpp"

namespace netfilter {

// A change of host fences holds the balancer's address with the server's port. Scope is fresh.
struct HostPlan {
    Transaction transaction;  // empty when nothing is to be done
    std::size_t changed = 0;  // how many of the named fences it makes, changes or lifts
};

// The operations for the changes, given the kernel's table. Makes the table with its first fence, and removes it with
// its last. Repairs it where another program has changed it. An existing fence keeps its since.
[[nodiscard]] HostPlan plan_host_fences(const Snapshot& snapshot, std::span<const Change> changes, core::WallTime now);

// Not thread safe. Works in the network namespace in which open() was called.
class HostFences {
public:
    // Changes nothing. Errors: no CAP_NET_ADMIN, no nf_tables.
    static core::Result<HostFences> open();
    explicit HostFences(std::unique_ptr<Kernel> kernel) : kernel_(std::move(kernel)) {}

    // Makes all changes in one transaction, or none. Returns HostPlan::changed. Concurrent host-fence commands lose
    // nothing: each commits only against the generation that it has read. Errors: an invalid fence (see validate); a
    // scope other than fresh; a protocol other than TCP; what the kernel says, with the place.
    core::Result<std::size_t> apply(std::span<const Change> changes);

    // All host fences in the kernel, by address. Empty when there is no table.
    core::Result<std::vector<Fence>> list();

private:
    std::unique_ptr<Kernel> kernel_;
};

}  // namespace netfilter
