// FenceManager: fences backends off and opens them again, natively and atomically. The fence process owns the only
// one of a Gatehouse. What it remembers it has from the kernel and from what it was told since, so it may die and be
// started again at any time; it remembers so that a table that somebody flushed comes back with its fences, in one
// transaction.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/base/clock.hpp"
#include "core/base/result.hpp"
#include "netfilter/model/repair.hpp"
#include "netfilter/model/fence.hpp"
#include "netfilter/fence/fence_plan.hpp"
#include "netfilter/kernel/kernel.hpp"

namespace netfilter {

// Not thread safe: one socket, one thread. Works in the network namespace in which open() was called.
class FenceManager {
public:
    // The most changes of one call to apply.
    static constexpr std::size_t changes_max = 100'000;

    // Adopts the table with all its fences when it is there, makes it when not, repairs it when somebody changed it.
    // Errors: no CAP_NET_ADMIN, no nf_tables or a part of it missing, the table owned by another process.
    static core::Result<FenceManager> open();
    // The same in a kernel of the caller's choice.
    static core::Result<FenceManager> open(std::unique_ptr<Kernel> kernel);

    // Makes all changes in one transaction, or none. Of several changes of one backend the last counts. A fence whose
    // until has passed is the same as an unfence. A table that was removed or changed by somebody else is put right
    // first, with the fences that went with it.
    // Errors: an invalid fence (port 0, protocol, id, times), or what the kernel says, with the place.
    core::Result<void> apply(std::span<const Change> changes);

    // All fences in the kernel, by address. Empty when there is no table.
    core::Result<std::vector<Fence>> list();

    // What `nft list table inet gatehouse` prints, read from the kernel. Empty when there is no table.
    core::Result<std::string> rules_text();

    // Puts the table right where it differs, structure and fences in one transaction. What is found in the kernel
    // and was not asked for here is kept. `looked`: with elements, fences that somebody took out of a
    // table that stands are put back too, at the price of reading them all.
    // Errors: what the kernel says; that somebody changes the table faster than we can put it right.
    core::Result<Repair> repair(Depth looked = Depth::elements);

    // Ends every established flow with these backends. Fence them first. Errors: see FlowReaper::reap; the flows of the
    // backends before the one with the error have ended.
    core::Result<Reaped> reap(std::span<const Destination> destinations);

    // For what else the fence process keeps in the same kernel, over the same socket.
    [[nodiscard]] Kernel& kernel() { return *kernel_; }

    // See Kernel::port.
    [[nodiscard]] std::optional<std::uint32_t> port() const { return kernel_->port(); }

    // Removes the table with all fences: for a clean end where fences shall not outlive us, and for tests.
    core::Result<void> remove_table();

private:
    explicit FenceManager(std::unique_ptr<Kernel> kernel);
    core::Result<void> remember();
    void remember(const Wanted& wanted);
    Transaction difference(const Snapshot& snapshot, Repair& repair);
    core::Result<bool> try_apply(std::span<const Change> changes);
    void follow_clock();

    std::unique_ptr<Kernel> kernel_;
    std::map<BackendKey, Fence> fences_;  // as they should be in the kernel; some may have run out there
    core::base::WallSteps wall_steps_;
    // The generation at which the structure was last known to be right; other: somebody changed something somewhere.
    std::optional<std::uint32_t> sound_at_;
};

// Says what is wrong with a change; nothing when it is fine.
[[nodiscard]] core::Result<void> validate(const Change& change);

}  // namespace netfilter
