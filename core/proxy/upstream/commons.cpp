#include "core/proxy/upstream/commons.hpp"

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

std::shared_ptr<BackendCommons> Commons::backend(const std::string& pool, const std::string& server,
                                                 const Address& address) {
    const std::lock_guard lock(mutex_);
    std::weak_ptr<BackendCommons>& known = backends_[{pool, server, address}];
    std::shared_ptr<BackendCommons> backend = known.lock();
    if (backend == nullptr) {
        backend = std::make_shared<BackendCommons>(find_queue(pool));
        known = backend;
    }
    return backend;
}

void Commons::sweep() {
    const std::lock_guard lock(mutex_);
    std::erase_if(backends_, [](const auto& entry) { return entry.second.expired(); });
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
