// The diff of requested fences and those that a table holds, as operations. Pure values, used by FenceManager on the
// balancer and by HostFences on an application server.
#pragma once

#include <map>
#include <span>
#include <utility>
#include <vector>

#include "netfilter/fence/fence_table.hpp"
#include "netfilter/model/fence.hpp"
#include "netfilter/nft/snapshot.hpp"
#include "netfilter/nft/transaction.hpp"

namespace netfilter {

using BackendKey = std::pair<core::Address, std::uint8_t>;
[[nodiscard]] BackendKey backend_of(const Change& change);

// The wanted fence of each backend; nullptr: no fence. Points into the changes.
using Wanted = std::map<BackendKey, const Fence*>;
// Of several changes of one backend the last counts. A fence with a past until is none.
[[nodiscard]] Wanted collapse(std::span<const Change> changes, core::WallTime now);

// The elements in the kernel, by key and by the table's own map (not the snapshot's).
using Existing = std::map<std::pair<const Map*, Key>, Element>;
[[nodiscard]] Existing elements_of(Snapshot snapshot, const FenceTable& table);

// All fences of the snapshot, by address.
[[nodiscard]] std::vector<Fence> fences_of(const Snapshot& snapshot, core::WallTime now);

// Collects the changes of each map, so that a thousand fences become two operations and not two thousand.
class FencePlan {
public:
    // The table outlives the plan.
    FencePlan(const FenceTable& table, core::WallTime now) : table_(table), now_(now) {}

    // Makes the backend as wanted (nullptr: unfenced). True when that needs a change. Its counter keeps its count.
    bool change(const BackendKey& backend, const Fence* wanted, const Existing& existing);

    // Empty when there is nothing to do.
    [[nodiscard]] std::vector<Operation> finish() &&;

private:
    const FenceTable& table_;
    core::WallTime now_;
    std::map<const Map*, std::vector<Key>> removed_;
    std::map<const Map*, std::vector<Element>> added_;
};

}  // namespace netfilter
