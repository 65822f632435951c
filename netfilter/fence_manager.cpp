#include "netfilter/fence_manager.hpp"

#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <tuple>

#include "netfilter/commit.hpp"
#include "netfilter/fence_table.hpp"

namespace netfilter {
namespace {

// Somebody else's changes come between our look and our commit at most now and then.
constexpr int attempts_max = 8;
// Once is enough; once more where somebody works against us at that very moment.
constexpr int rebuilds_max = 2;
// Up to this many backends are looked up one by one (15 us each); more with one dump.
constexpr std::size_t single_reads_max = 32;

using BackendKey = std::pair<core::Address, std::uint8_t>;
using Wanted = std::map<BackendKey, const Fence*>;  // nullptr: unfence

using Existing = std::map<std::pair<const Map*, Key>, Element>;

BackendKey backend_of(const Change& change) {
    return std::visit([](const auto& each) { return BackendKey{each.backend, each.protocol}; }, change);
}

Wanted collapse(std::span<const Change> changes, core::WallTime now) {
    Wanted wanted;
    for (const auto& change : changes) {
        const auto* fence = std::get_if<Fence>(&change);
        const bool over = fence != nullptr && fence->until && *fence->until <= now;
        wanted[backend_of(change)] = over ? nullptr : fence;
    }
    return wanted;
}

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
    Existing existing;
    for (auto& contents : snapshot->maps) {
        for (const auto& map : fence_table().maps) {
            if (map.name != contents.map.name) {
                continue;
            }
            for (auto& element : contents.elements) {
                existing.emplace(std::pair(&map, element.key), std::move(element));
            }
        }
    }
    return existing;
}

// True when the kernel holds the fence just as it is wanted.
bool holds(const Element& element, const Map& map, const Fence& wanted, core::WallTime now) {
    auto found = to_fence(element, map, now);
    if (!found) {
        return false;
    }
    found->packets = 0;
    found->bytes = 0;
    return *found == as_stored(wanted);
}

// Collects what happens to each map, so that a thousand fences become two operations and not two thousand.
class Plan {
public:
    explicit Plan(core::WallTime now) : now_(now) {}

    void change(const BackendKey& backend, const Fence* wanted, const Existing& existing) {
        const auto key = key_of(backend.first, backend.second);
        const Map* target = wanted == nullptr ? nullptr : &map_of(backend.first, wanted->scope);
        Counts counts;
        bool there = false;
        for (const auto scope : {Scope::fresh, Scope::all}) {
            const auto& map = map_of(backend.first, scope);
            const auto found = existing.find({&map, key});
            if (found == existing.end()) {
                continue;
            }
            if (found->second.counts) {
                counts.packets += found->second.counts->packets;
                counts.bytes += found->second.counts->bytes;
            }
            if (&map == target && holds(found->second, map, *wanted, now_)) {
                there = true;
            } else {
                removed_[&map].push_back(key);
            }
        }
        if (target != nullptr && !there) {
            added_[target].push_back(to_element(*wanted, counts, now_));
        }
    }

    Transaction finish() && {
        Transaction transaction{std::string(fence_table_name)};
        for (auto& [map, keys] : removed_) {
            transaction.add(RemoveElements{*map, std::move(keys)});
        }
        for (auto& [map, elements] : added_) {
            transaction.add(AddElements{*map, std::move(elements)});
        }
        return transaction;
    }

private:
    core::WallTime now_;
    std::map<const Map*, std::vector<Key>> removed_;
    std::map<const Map*, std::vector<Element>> added_;
};

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
    Plan plan(now);
    for (const auto& [backend, fence] : wanted) {
        plan.change(backend, fence, *existing);
    }
    const auto transaction = std::move(plan).finish();
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
    const auto now = core::base::wall_now();
    std::vector<Fence> fences;
    for (const auto& contents : snapshot->maps) {
        for (const auto& element : contents.elements) {
            if (auto fence = to_fence(element, contents.map, now)) {
                fences.push_back(std::move(*fence));
            }
        }
    }
    std::sort(fences.begin(), fences.end(), [](const Fence& a, const Fence& b) {
        return std::tie(a.backend, a.protocol, a.scope) < std::tie(b.backend, b.protocol, b.scope);
    });
    return fences;
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
