#include "netfilter/fence_manager.hpp"

#include <fmt/format.h>
#include <netinet/in.h>

#include <cerrno>

#include "netfilter/commit.hpp"
#include "netfilter/fence_plan.hpp"

namespace netfilter {
namespace {

// Somebody else's changes come between our look and our commit at most now and then.
constexpr int attempts_max = 8;
// Once is enough; once more where somebody works against us at that very moment.
constexpr int rebuilds_max = 2;
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
    if (const auto repaired = manager.repair(); !repaired) {
        return tl::unexpected(repaired.error());
    }
    return manager;
}

core::Result<bool> FenceManager::repair() {
    for (int made = 0; made <= rebuilds_max; ++made) {
        const auto snapshot = kernel_->snapshot(fence_table_name, Depth::structure);
        if (!snapshot) {
            return tl::unexpected(snapshot.error());
        }
        if (has_structure(*snapshot)) {
            sound_at_ = snapshot->generation;
            return made > 0;
        }
        if (auto done = make_table(); !done) {
            return tl::unexpected(done.error());
        }
    }
    return core::fail("cannot use the nftables table inet gatehouse", "what was made is not what is read back",
                      "find the program that changes it (nft monitor); if there is none, report the output of: "
                      "nft list table inet gatehouse");
}

core::Result<void> FenceManager::make_table() {
    Commit last;
    for (int attempt = 0; attempt < attempts_max; ++attempt) {
        const auto snapshot = kernel_->snapshot(fence_table_name, Depth::elements);
        if (!snapshot) {
            return tl::unexpected(snapshot.error());
        }
        // Only against what we looked at: a fence that came in between must not get lost.
        last = kernel_->commit(rebuild(*snapshot), snapshot->generation);
        if (last.outcome == Outcome::committed) {
            return {};
        }
        if (last.outcome == Outcome::rejected) {
            break;
        }
    }
    return tl::unexpected(last.error("cannot make the nftables table inet gatehouse"));
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
    for (int attempt = 0; attempt < attempts_max; ++attempt) {
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

// False: look again, because what we looked at was not there any more when the kernel came to it.
core::Result<bool> FenceManager::try_apply(std::span<const Change> changes) {
    const auto generation = kernel_->generation();
    if (!generation) {
        return tl::unexpected(generation.error());
    }
    if (sound_at_ != *generation) {
        if (const auto repaired = repair(); !repaired) {
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
        return true;
    }
    const auto result = kernel_->commit(transaction, std::nullopt);
    if (result.outcome == Outcome::committed) {
        // A commit raises the generation by one. If others committed too, the next look will see another number.
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
    if (result.outcome != Outcome::committed) {
        return tl::unexpected(result.error("cannot remove the nftables table inet gatehouse"));
    }
    return {};
}

}  // namespace netfilter
