#include "netfilter/fence/fence_manager.hpp"

#include <fmt/format.h>
#include <netinet/in.h>

#include <cerrno>

#include "netfilter/fence/fence_plan.hpp"
#include "netfilter/nft/commit.hpp"

namespace netfilter {
namespace {

// Other programs commit between our read and our commit only now and then.
constexpr int fence_attempts_max = 8;
// Up to this many backends are looked up one by one (15 us each); more with one dump.
constexpr std::size_t single_reads_max = 32;

core::Result<Existing> read_singly(Kernel& kernel, const Wanted& wanted) {
    Existing existing;
    for (const auto& [backend, fence] : wanted) {
        const auto key = key_of(backend.first, backend.second);
        for (const auto scope : {Scope::fresh, Scope::all}) {
            const auto& map = map_of(backend.first, scope);
            auto element = kernel.element(fence_table_name, map.name, key);
            if (!element) {
                return tl::unexpected(element.error());
            }
            if (*element) {
                existing.emplace(std::pair(&map, key), std::move(**element));
            }
        }
    }
    return existing;
}

core::Result<Existing> read_everything(Kernel& kernel) {
    auto snapshot = kernel.snapshot(fence_table_name, Depth::elements);
    if (!snapshot) {
        return tl::unexpected(snapshot.error());
    }
    return elements_of(std::move(*snapshot), fence_table());
}

}  // namespace

core::Result<void> validate(const Change& change) {
    const auto [backend, protocol] = backend_of(change);
    const auto what = fmt::format("cannot fence {}", backend.text());
    if (backend.port() == 0) {
        return core::fail(what, "a fence needs a port", "name the backend's port");
    }
    if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP) {
        return core::fail(what, fmt::format("protocol {} is neither tcp (6) nor udp (17)", protocol));
    }
    const auto* fence = std::get_if<Fence>(&change);
    if (fence == nullptr) {
        return {};
    }
    if (fence->mode > Mode::drop || fence->scope > Scope::all) {
        return core::fail(what, "unknown mode or scope");
    }
    if (fence->scope == Scope::fresh && protocol != IPPROTO_TCP) {
        return core::fail(what, "no packet of UDP says that it begins a flow", "fence all packets");
    }
    if (!valid_id(fence->id)) {
        return core::fail(what, "the id has characters other than A-Z a-z 0-9 _ . : - or is longer than 24");
    }
    using namespace std::chrono;
    constexpr core::WallTime earliest = sys_days(1970y / January / 1);
    constexpr core::WallTime latest = sys_days(2200y / January / 1);
    if (fence->since < earliest || fence->since > latest || (fence->until && *fence->until > latest)) {
        return core::fail(what, "since or until is not between 1970 and 2200");
    }
    return {};
}

FenceManager::FenceManager(std::unique_ptr<Kernel> kernel) : kernel_(std::move(kernel)) {}

core::Result<FenceManager> FenceManager::open() {
    auto kernel = NetlinkKernel::open();
    return kernel ? open(std::move(*kernel)) : tl::unexpected(kernel.error());
}

core::Result<FenceManager> FenceManager::open(std::unique_ptr<Kernel> kernel) {
    FenceManager manager(std::move(kernel));
    if (const auto found = manager.remember(); !found) {
        return tl::unexpected(found.error());
    }
    if (const auto repaired = manager.repair(); !repaired) {
        return tl::unexpected(repaired.error());
    }
    return manager;
}

// What the kernel holds becomes what should be there.
core::Result<void> FenceManager::remember() {
    auto found = list();
    if (!found) {
        return tl::unexpected(std::move(found.error()));
    }
    for (auto& fence : *found) {
        const BackendKey backend{fence.backend, fence.protocol};
        fences_.insert_or_assign(backend, std::move(fence));
    }
    return {};
}

void FenceManager::remember(const Wanted& wanted) {
    for (const auto& [backend, fence] : wanted) {
        if (fence == nullptr) {
            fences_.erase(backend);
        } else {
            fences_.insert_or_assign(backend, *fence);
        }
    }
}

// The kernel counts the remaining time on a clock of its own. When the wall clock is set, the remembered ends move with
// it. A table that is flushed then comes back with the remaining times.
void FenceManager::follow_clock() {
    const core::Milliseconds step = wall_steps_.take();
    if (step == core::Milliseconds{}) {
        return;
    }
    for (auto& [backend, fence] : fences_) {
        if (fence.until) {
            *fence.until += step;
        }
    }
}

// From the found table to the right one: its structure, where it differs, and the missing fences.
Transaction FenceManager::difference(const Snapshot& snapshot, Repair& repair) {
    follow_clock();
    const auto now = core::base::wall_now();
    std::erase_if(fences_, [now](const auto& each) { return each.second.until && *each.second.until <= now; });
    const bool right = has_structure(snapshot);
    Transaction transaction = right ? Transaction{std::string(fence_table_name)} : rebuild(snapshot);
    // After a rebuild the maps hold only what it carried over.
    auto existing = elements_of(snapshot, fence_table());
    if (!right) {
        std::erase_if(existing, [](const auto& each) { return !carried_over(each.second, *each.first.first); });
    }
    FencePlan plan(fence_table(), now);
    for (const auto& [backend, fence] : fences_) {
        const auto key = key_of(backend.first, backend.second);
        // A copy of the structured binding: clang 14 cannot capture one in a lambda, although C++20 allows it.
        const auto has = [&, &address = backend.first](Scope scope) {
            return existing.contains({&map_of(address, scope), key});
        };
        const bool there = has(Scope::fresh) || has(Scope::all);
        if (plan.change(backend, &fence, existing)) {
            ++(there ? repair.altered : repair.missing);
        }
    }
    for (auto& operation : std::move(plan).finish()) {
        transaction.add(std::move(operation));
    }
    repair.structure = repair.structure || !right;
    return transaction;
}

core::Result<Repair> FenceManager::repair(Depth looked) {
    Repair repaired;
    std::optional<std::uint32_t> made_at;
    for (int attempt = 0; attempt < fence_attempts_max; ++attempt) {
        const auto depth = made_at ? Depth::structure : looked;
        auto snapshot = kernel_->snapshot(fence_table_name, depth);
        if (!snapshot) {
            return tl::unexpected(snapshot.error());
        }
        if (!has_structure(*snapshot) && depth == Depth::structure) {
            if (made_at == snapshot->generation) {
                // No other commit came in between: the structure is our own work.
                return core::fail("cannot use the nftables table inet gatehouse",
                                  "what was made is not what is read back",
                                  "report the output of: nft list table inet gatehouse");
            }
            snapshot = kernel_->snapshot(fence_table_name, Depth::elements);
            if (!snapshot) {
                return tl::unexpected(snapshot.error());
            }
        } else if (depth == Depth::structure) {
            sound_at_ = snapshot->generation;
            return repaired;
        }
        Repair repair = repaired;
        const auto transaction = difference(*snapshot, repair);
        if (transaction.empty()) {
            sound_at_ = snapshot->generation;
            return repaired;
        }
        // Only against the generation that was read: a fence that another commit added must not get lost.
        const auto result = kernel_->commit(transaction, snapshot->generation);
        if (result.outcome == Outcome::rejected) {
            return tl::unexpected(result.error("cannot make the nftables table inet gatehouse"));
        }
        if (result.outcome == Outcome::committed) {
            repaired = repair;
            made_at = snapshot->generation + 1;
        }
    }
    return core::fail("cannot keep the nftables table inet gatehouse right", "it is changed faster than we can mend it",
                      "find the program that changes it: nft monitor");
}

core::Result<void> FenceManager::apply(std::span<const Change> changes) {
    if (changes.size() > changes_max) {
        return core::fail("cannot change the fences", fmt::format("{} changes at once are too many", changes.size()),
                          fmt::format("use at most {} in one transaction", changes_max));
    }
    for (const auto& change : changes) {
        if (auto valid = validate(change); !valid) {
            return valid;
        }
    }
    follow_clock();  // first, because the ends of the new changes follow the clock as it is now
    for (int attempt = 0; attempt < fence_attempts_max; ++attempt) {
        const auto done = try_apply(changes);
        if (!done) {
            return tl::unexpected(done.error());
        }
        if (*done) {
            return {};
        }
    }
    return core::fail("cannot change the fences", "the table changes faster than we can",
                      "find the program that changes it: nft monitor");
}

// False: read again, because an element that was read no longer existed at the commit.
core::Result<bool> FenceManager::try_apply(std::span<const Change> changes) {
    const auto generation = kernel_->generation();
    if (!generation) {
        return tl::unexpected(generation.error());
    }
    if (sound_at_ != *generation) {
        if (const auto repaired = repair(Depth::structure); !repaired) {
            return tl::unexpected(repaired.error());
        }
    }
    const auto now = core::base::wall_now();
    const auto wanted = collapse(changes, now);
    const auto existing = wanted.size() <= single_reads_max ? read_singly(*kernel_, wanted) : read_everything(*kernel_);
    if (!existing) {
        return tl::unexpected(existing.error());
    }
    FencePlan plan(fence_table(), now);
    for (const auto& [backend, fence] : wanted) {
        plan.change(backend, fence, *existing);
    }
    Transaction transaction{std::string(fence_table_name)};
    for (auto& operation : std::move(plan).finish()) {
        transaction.add(std::move(operation));
    }
    if (transaction.empty()) {
        remember(wanted);
        return true;
    }
    const auto result = kernel_->commit(transaction, std::nullopt);
    if (result.outcome == Outcome::committed) {
        remember(wanted);
        // A commit raises the generation by one. If other programs committed too, the next read shows another number.
        sound_at_ = *sound_at_ + 1;
        return true;
    }
    sound_at_.reset();
    const bool moved = result.os_error == ENOENT || result.os_error == EEXIST;
    if (result.outcome == Outcome::rejected && !moved) {
        return tl::unexpected(result.error("cannot change the fences"));
    }
    return false;
}

core::Result<std::vector<Fence>> FenceManager::list() {
    const auto snapshot = kernel_->snapshot(fence_table_name, Depth::elements);
    if (!snapshot) {
        return tl::unexpected(snapshot.error());
    }
    return fences_of(*snapshot, core::base::wall_now());
}

core::Result<std::string> FenceManager::rules_text() {
    const auto snapshot = kernel_->snapshot(fence_table_name, Depth::elements);
    if (!snapshot) {
        return tl::unexpected(snapshot.error());
    }
    return snapshot->text();
}

core::Result<Reaped> FenceManager::reap(std::span<const Destination> destinations) {
    Reaped all;
    for (const auto& destination : destinations) {
        const auto one = kernel_->reap(destination);
        if (!one) {
            return one;
        }
        all.sockets += one->sockets;
        all.forwarded += one->forwarded;
    }
    return all;
}

core::Result<void> FenceManager::remove_table() {
    Transaction removal{std::string(fence_table_name)};
    removal.add(RemoveTable{std::string(fence_table_name)});
    const auto result = kernel_->commit(removal, std::nullopt);
    sound_at_.reset();
    fences_.clear();
    if (result.outcome != Outcome::committed) {
        return tl::unexpected(result.error("cannot remove the nftables table inet gatehouse"));
    }
    return {};
}

}  // namespace netfilter
