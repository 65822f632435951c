// Quota: how many exchanges and relays are in flight on one limited backend, all workers together. One shared number
// is exact where a share for each worker would turn visitors away while another worker has room; a backend without a
// limit never touches it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "core/proxy/upstream/queue.hpp"

namespace core::proxy {

class Quota {
public:
    // queue: of the backend's pool; told when room comes free.
    explicit Quota(std::shared_ptr<Queue> queue) noexcept : queue_(std::move(queue)) {}

    // All of these: any thread.

    [[nodiscard]] bool room(std::uint32_t limit) const noexcept { return taken_.load() < limit; }
    // Takes one of limit; false where all are taken. A true wants one give_back().
    bool take(std::uint32_t limit) noexcept {
        std::uint32_t taken = taken_.load();
        while (taken < limit) {
            if (taken_.compare_exchange_weak(taken, taken + 1)) {
                return true;
            }
        }
        return false;
    }
    // Sequentially consistent, as is take(): who enters the queue and then finds no room is seen by wake(), or else
    // sees the room.
    void give_back() {
        taken_.fetch_sub(1);
        queue_->wake();
    }

private:
    std::atomic<std::uint32_t> taken_{0};
    std::shared_ptr<Queue> queue_;
};

}  // namespace core::proxy
