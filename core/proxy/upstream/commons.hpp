// Commons: state that workers share. The server owns it, and each worker looks it up when it makes its routing. What a
// reload leaves in place keeps its counters.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>

#include "core/base/address.hpp"
#include "core/proxy/stats/report.hpp"
#include "core/proxy/upstream/queue.hpp"
#include "core/proxy/upstream/quota.hpp"
#include "core/proxy/upstream/sources.hpp"
#include "core/proxy/upstream/streak.hpp"

namespace core::proxy {

// What the workers' views of one backend share.
struct BackendCommons {
    explicit BackendCommons(std::shared_ptr<Queue> queue) noexcept : quota(std::move(queue)) {}
    Quota quota;
    Streak streak;
    std::atomic<io::Tick> odd_told{0};  // when a worker last reported odd answers; 0: never
};

class Commons {
public:
    // All of these: any thread. The caller shares ownership of what it gets.
    std::shared_ptr<Queue> queue(const std::string& pool);
    std::shared_ptr<BackendCommons> backend(const std::string& pool, const std::string& server, const Address& address);
    // Forgets what has no user any more; called after a reload.
    void sweep();
    // Adds to sum what only the commons count: the queues.
    void report(WorkerReport& sum) const;

    Sources sources;

private:
    std::shared_ptr<Queue> find_queue(const std::string& pool);

    using BackendKey = std::tuple<std::string, std::string, Address>;
    mutable std::mutex mutex_;
    std::map<std::string, std::weak_ptr<Queue>> queues_;
    std::map<BackendKey, std::weak_ptr<BackendCommons>> backends_;
};

}  // namespace core::proxy
