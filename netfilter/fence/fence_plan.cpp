#include "netfilter/fence/fence_plan.hpp"

#include <algorithm>
#include <tuple>

namespace netfilter {
namespace {

// True when the kernel holds the fence exactly as wanted.
bool holds(const Element& element, const Map& map, const Fence& wanted, core::WallTime now) {
    auto found = to_fence(element, map, now);
    if (!found) {
        return false;
    }
    found->packets = 0;
    found->bytes = 0;
    return *found == as_stored(wanted);
}

bool is_of_family(const Map& map, const core::Address& backend) {
    return map.key.front() == (backend.is_v4() ? KeyType::ipv4_addr : KeyType::ipv6_addr);
}

}  // namespace

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

Existing elements_of(Snapshot snapshot, const FenceTable& table) {
    Existing existing;
    for (auto& contents : snapshot.maps) {
        for (const auto& map : table.maps) {
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

std::vector<Fence> fences_of(const Snapshot& snapshot, core::WallTime now) {
    std::vector<Fence> fences;
    for (const auto& contents : snapshot.maps) {
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

bool FencePlan::change(const BackendKey& backend, const Fence* wanted, const Existing& existing) {
    const auto key = key_of(backend.first, backend.second);
    const Map* target = wanted == nullptr ? nullptr : &map_of(backend.first, wanted->scope, table_);
    Counts counts;
    bool there = false;
    bool changes = false;
    for (const auto& map : table_.maps) {
        const auto found = is_of_family(map, backend.first) ? existing.find({&map, key}) : existing.end();
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
            changes = true;
        }
    }
    if (target != nullptr && !there) {
        added_[target].push_back(to_element(*wanted, counts, now_));
        changes = true;
    }
    return changes;
}

std::vector<Operation> FencePlan::finish() && {
    std::vector<Operation> operations;
    for (auto& [map, keys] : removed_) {
        operations.emplace_back(RemoveElements{*map, std::move(keys)});
    }
    for (auto& [map, elements] : added_) {
        operations.emplace_back(AddElements{*map, std::move(elements)});
    }
    return operations;
}

}  // namespace netfilter
