// FenceManager: fences backends off and opens them again, natively and atomically. The fence process owns the only one
// of a Gatehouse. Its memory of the fences comes from the kernel and the calls since. So the process may be restarted
// at any time. From this memory a flushed table is restored with its fences, in one transaction.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/base/clock.hpp"
#include "core/base/result.hpp"
#include "netfilter/fence/fence_plan.hpp"
#include "netfilter/kernel/kernel.hpp"
#include "netfilter/model/fence.hpp"
#include "netfilter/model/repair.hpp"

namespace netfilter {

// Not thread safe: one socket, one thread. Works in the network namespace in which open() was called.
class FenceManager {
public:
    // The most changes of one call to apply.
    static constexpr std::size_t changes_max = 100'000;

    // Adopts an existing table with all its fences, else makes one. Repairs it where another program has changed it.
    // Errors: no CAP_NET_ADMIN, no nf_tables or a part of it missing, the table owned by another process.
    static core::Result<FenceManager> open();
    // The same with the caller's kernel.
    static core::Result<FenceManager> open(std::unique_ptr<Kernel> kernel);

    // Makes all changes in one transaction, or none. Of several changes of one backend the last counts. A fence with a
    // past until is an unfence. A table that another program has removed or changed is repaired first, with its fences.
    // Errors: an invalid fence (port 0, protocol, id, times), or what the kernel says, with the place.
    core::Result<void> apply(std::span<const Change> changes);

    // All fences in the kernel, by address. Empty when there is no table.
    core::Result<std::vector<Fence>> list();

    // What `nft list table inet gatehouse` prints, read from the kernel. Empty when there is no table.
    core::Result<std::string> rules_text();

    // Repairs the table where it differs, structure and fences in one transaction. Fences in the kernel that were not
    // requested here are kept. `looked`: with elements, single fences that another program has removed are restored
    // too, which costs a read of all elements. Errors: what the kernel says; another program changes the table faster
    // than it can be repaired.
    core::Result<Repair> repair(Depth looked = Depth::elements);

    // Ends every established flow with these backends. Fence them first. Errors: see FlowReaper::reap; the flows of the
    // backends before the failed one have ended.
    core::Result<Reaped> reap(std::span<const Destination> destinations);

    // For the fence process's other tables in the same kernel, over the same socket.
    [[nodiscard]] Kernel& kernel() { return *kernel_; }

    // See Kernel::port.
    [[nodiscard]] std::optional<std::uint32_t> port() const { return kernel_->port(); }

    // Removes the table with all fences: for an end after which fences shall not stay, and for tests.
    core::Result<void> remove_table();

private:
    explicit FenceManager(std::unique_ptr<Kernel> kernel);
    core::Result<void> remember();
    void remember(const Wanted& wanted);
    Transaction difference(const Snapshot& snapshot, Repair& repair);
    core::Result<bool> try_apply(std::span<const Change> changes);
    void follow_clock();

    std::unique_ptr<Kernel> kernel_;
    std::map<BackendKey, Fence> fences_;  // as they should be in the kernel; some may have expired there
    core::base::WallSteps wall_steps_;
    // The generation at which the structure was last known to be right. Another generation: some program has committed.
    std::optional<std::uint32_t> sound_at_;
};

// Error: what is wrong with a change.
[[nodiscard]] core::Result<void> validate(const Change& change);

}  // namespace netfilter
