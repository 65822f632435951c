// Quota: how many exchanges and relays are in flight on one limited backend, over all workers. One shared number is
// exact. A share for each worker would refuse visitors while another worker has room. A backend without a limit does
// not use it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "core/proxy/upstream/queue.hpp"

namespace core::proxy {

class Quota {
public:
    // queue: of the backend's pool; woken when room comes free.
    explicit Quota(std::shared_ptr<Queue> queue) noexcept : queue_(std::move(queue)) {}

    // All of these: any thread.

    [[nodiscard]] bool room(std::uint32_t limit) const noexcept { return taken_.load() < limit; }
    // Takes one of limit; false where all are taken. Each true needs one give_back().
    bool take(std::uint32_t limit) noexcept {
        std::uint32_t taken = taken_.load();
        while (taken < limit) {
            if (taken_.compare_exchange_weak(taken, taken + 1)) {
                return true;
            }
        }
        return false;
    }
    // Sequentially consistent, as take() is. A request that enters the queue and then looks for room sees this room, or
    // wake() sees the request.
    void give_back() {
        taken_.fetch_sub(1);
        queue_->wake();
    }

private:
    std::atomic<std::uint32_t> taken_{0};
    std::shared_ptr<Queue> queue_;
};

}  // namespace core::proxy
