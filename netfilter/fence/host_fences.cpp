#include "netfilter/fence/host_fences.hpp"

#include <fmt/format.h>
#include <netinet/in.h>

#include <cerrno>
#include <set>
#include <string>

#include "netfilter/fence/fence_manager.hpp"
#include "netfilter/fence/fence_plan.hpp"
#include "netfilter/nft/commit.hpp"

namespace netfilter {
namespace {

// An attempt fails only when another program commits in between. So many commits in a row are a fault of the host.
constexpr int host_fence_attempts_max = 50;

core::Result<void> check(std::span<const Change> changes) {
    for (const auto& change : changes) {
        if (auto valid = validate(change); !valid) {
            return valid;
        }
        const auto* fence = std::get_if<Fence>(&change);
        if (fence != nullptr && (fence->scope != Scope::fresh || fence->protocol != IPPROTO_TCP)) {
            return core::fail(fmt::format("cannot fence {}", fence->backend.text()),
                              "a host fence refuses new TCP connections only");
        }
    }
    return {};
}

// True when the table holds a fence after the changes.
bool leaves_any(const Existing& existing, const Wanted& wanted, core::WallTime now) {
    std::set<BackendKey> left;
    for (const auto& [at, element] : existing) {
        if (const auto fence = to_fence(element, *at.first, now)) {
            left.emplace(fence->backend, fence->protocol);
        }
    }
    for (const auto& [backend, fence] : wanted) {
        if (fence == nullptr) {
            left.erase(backend);
        } else {
            left.insert(backend);
        }
    }
    return !left.empty();
}

}  // namespace

HostPlan plan_host_fences(const Snapshot& snapshot, std::span<const Change> changes, core::WallTime now) {
    const auto& table = host_fence_table();
    const bool sound = has_structure(snapshot, table);
    auto existing = elements_of(snapshot, table);
    if (!sound) {
        // A rebuild drops the other elements.
        std::erase_if(existing, [now](const auto& each) { return !to_fence(each.second, *each.first.first, now); });
    }
    const auto wanted = collapse(changes, now);
    HostPlan made{Transaction{table.table.name}, 0};
    FencePlan plan(table, now);
    for (const auto& [backend, fence] : wanted) {
        const auto key = key_of(backend.first, backend.second);
        const auto found = existing.find({&map_of(backend.first, Scope::fresh, table), key});
        const auto there = found == existing.end() ? std::nullopt : to_fence(found->second, *found->first.first, now);
        std::optional<Fence> kept;
        if (fence != nullptr && there) {
            kept = *fence;
            kept->since = there->since;
        }
        made.changed += plan.change(backend, kept ? &*kept : fence, existing) ? 1U : 0U;
    }
    if (!leaves_any(existing, wanted, now)) {
        if (snapshot.table) {
            made.transaction.add(RemoveTable{table.table.name});
        }
        return made;
    }
    if (!sound) {
        made.transaction = rebuild(snapshot, table);
    }
    for (auto& operation : std::move(plan).finish()) {
        made.transaction.add(std::move(operation));
    }
    return made;
}

core::Result<HostFences> HostFences::open() {
    auto kernel = NetlinkKernel::open();
    return kernel ? core::Result<HostFences>(HostFences(std::move(*kernel))) : tl::unexpected(kernel.error());
}

core::Result<std::size_t> HostFences::apply(std::span<const Change> changes) {
    if (auto valid = check(changes); !valid) {
        return tl::unexpected(valid.error());
    }
    Commit last;
    for (int attempt = 0; attempt < host_fence_attempts_max; ++attempt) {
        const auto snapshot = kernel_->snapshot(host_fence_table_name, Depth::elements);
        if (!snapshot) {
            return tl::unexpected(snapshot.error());
        }
        const auto plan = plan_host_fences(*snapshot, changes, core::base::wall_now());
        if (plan.transaction.empty()) {
            return plan.changed;
        }
        last = kernel_->commit(plan.transaction, snapshot->generation);
        if (last.outcome == Outcome::committed) {
            return plan.changed;
        }
        // ENOENT: a fence may have expired since the read, which raises no generation.
        if (last.outcome == Outcome::rejected && last.os_error != ENOENT) {
            break;
        }
    }
    return tl::unexpected(last.error("cannot change the host fences"));
}

core::Result<std::vector<Fence>> HostFences::list() {
    const auto snapshot = kernel_->snapshot(host_fence_table_name, Depth::elements);
    return snapshot ? core::Result<std::vector<Fence>>(fences_of(*snapshot, core::base::wall_now()))
                    : tl::unexpected(snapshot.error());
}

}  // namespace netfilter
