#include "appliance/control/model/follow.hpp"

#include <algorithm>
#include <utility>

#include "appliance/control/model/drift.hpp"
#include "appliance/control/model/targets.hpp"

namespace appliance::control {

Administration follow(const Administration& before, const config::Config& wanted,
                      std::vector<netfilter::Change>& changes) {
    Administration next = before;
    std::erase_if(next.maintenance, [&](const auto& entry) { return wanted.pool(entry.first) == nullptr; });
    std::erase_if(next.weights, [&](const auto& entry) {
        const config::Pool* pool = wanted.pool(entry.first.first);
        return pool == nullptr || std::none_of(pool->backends.begin(), pool->backends.end(), [&](const auto& backend) {
                   return backend.server == entry.first.second;
               });
    });
    for (const auto& [address, record] : before.fences) {
        const config::Pool* pool = wanted.pool(record.pool);
        if (pool == nullptr) {
            continue;
        }
        const auto backend = std::find_if(pool->backends.begin(), pool->backends.end(),
                                          [&](const auto& candidate) { return candidate.server == record.server; });
        if (backend == pool->backends.end() || backend->address == address || !backend->has_address()) {
            continue;
        }
        FenceRecord moved = record;
        moved.address = backend->address;
        // Another backend may still be at the old address: then it stays fenced, as it was.
        if (!backend_at(wanted, address)) {
            next.fences.erase(address);
            changes.emplace_back(netfilter::Unfence{address});
        }
        if (const auto there = next.fences.find(moved.address);
            there != next.fences.end() && there->second.server == moved.server) {
            continue;  // ordered where the server is now, after a start with a disk that could not be read
        }
        changes.emplace_back(kernel_fence(moved));
        next.fences[moved.address] = std::move(moved);
    }
    return next;
}

}  // namespace appliance::control
