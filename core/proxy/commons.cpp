#include "core/proxy/commons.hpp"

namespace core::proxy {

std::shared_ptr<Queue> Commons::queue(const std::string& pool) {
    const std::lock_guard lock(mutex_);
    return find_queue(pool);
}

std::shared_ptr<Queue> Commons::find_queue(const std::string& pool) {
    std::weak_ptr<Queue>& known = queues_[pool];
    std::shared_ptr<Queue> queue = known.lock();
    if (queue == nullptr) {
        queue = std::make_shared<Queue>();
        known = queue;
    }
    return queue;
}

std::shared_ptr<Quota> Commons::quota(const std::string& pool, const std::string& server, const Address& address) {
    const std::lock_guard lock(mutex_);
    std::weak_ptr<Quota>& known = quotas_[{pool, server, address}];
    std::shared_ptr<Quota> quota = known.lock();
    if (quota == nullptr) {
        quota = std::make_shared<Quota>(find_queue(pool));
        known = quota;
    }
    return quota;
}

void Commons::sweep() {
    const std::lock_guard lock(mutex_);
    std::erase_if(quotas_, [](const auto& entry) { return entry.second.expired(); });
    std::erase_if(queues_, [](const auto& entry) { return entry.second.expired(); });
}

void Commons::report(WorkerReport& sum) const {
    const std::lock_guard lock(mutex_);
    for (const auto& [pool, known] : queues_) {
        if (const std::shared_ptr<Queue> queue = known.lock(); queue != nullptr) {
            const Queue::Counts counts = queue->counts();
            sum.queues.push_back({pool, counts.waiting, counts.waited, counts.overflow, counts.expired});
        }
    }
}

}  // namespace core::proxy
