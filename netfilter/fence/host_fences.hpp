// HostFences: fences on an application server, against a balancer that is not ours: its new connections to our ports
// are refused. `gatehouse host-fence` makes one for each command; nothing runs in between, the kernel is the whole
// memory. The table is there only while it holds a fence.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "core/base/result.hpp"
#include "netfilter/model/fence.hpp"
#include "netfilter/kernel/kernel.hpp"

namespace netfilter {

// A change of host fences holds the balancer's address with the server's port. Scope is fresh.
struct HostPlan {
    Transaction transaction;  // empty when nothing is to be done
    std::size_t changed = 0;  // how many of the named fences are made, changed or lifted by it
};

// What the changes come to, given what the kernel holds of the table. Makes the table with its first fence, mends it
// where somebody changed it, removes it with its last. A fence that is there keeps its since.
[[nodiscard]] HostPlan plan_host_fences(const Snapshot& snapshot, std::span<const Change> changes, core::WallTime now);

// Not thread safe. Works in the network namespace in which open() was called.
class HostFences {
public:
    // Changes nothing. Errors: no CAP_NET_ADMIN, no nf_tables.
    static core::Result<HostFences> open();
    explicit HostFences(std::unique_ptr<Kernel> kernel) : kernel_(std::move(kernel)) {}

    // Makes all changes in one transaction, or none; see HostPlan::changed for what it returns. Another host-fence
    // command at the same time loses nothing: each commits only against what it has seen.
    // Errors: an invalid fence (see validate), a scope other than fresh, a protocol
    // other than TCP, or what the kernel says, with the place.
    core::Result<std::size_t> apply(std::span<const Change> changes);

    // All host fences in the kernel, by address. Empty when there is no table.
    core::Result<std::vector<Fence>> list();

private:
    std::unique_ptr<Kernel> kernel_;
};

}  // namespace netfilter
