// Queue: who waits because every server of a pool is at its limit. One for each pool, shared by all workers, so that
// first come is first served whichever worker a visitor came in by. Nobody touches its lock while nobody waits.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>

#include "core/io/mailbox.hpp"
#include "core/io/operation.hpp"

namespace core::proxy {

class Queue {
public:
    // One place in the queue. Whoever waits sleeps on slot, on its own worker's thread, and is woken through that
    // worker's mailbox; the letter keeps the place alive, so it may come when nobody waits there any more.
    struct Place {
        explicit Place(io::Mailbox& mailbox) noexcept : home(mailbox) {}
        io::Mailbox& home;
        io::OperationSlot slot;
    };

    // What has happened since the start. waiting: now.
    struct Counts {
        std::uint64_t waiting = 0;
        std::uint64_t waited = 0;    // had to wait
        std::uint64_t overflow = 0;  // were turned away because the queue was full
        std::uint64_t expired = 0;   // were turned away because their time was up
    };

    // All of these: any thread.

    // Takes the last place. False, and nothing changed, where most (0: nobody may wait) wait already.
    bool enter(const std::shared_ptr<Place>& place, std::uint32_t most);
    // Gives the place up, wherever in the queue it is, and wakes who is first then.
    void leave(const Place& place);
    // Only who is first may take what comes free; it is woken whenever that may have changed.
    [[nodiscard]] bool first(const Place& place) const;
    // Wakes who is first, because a server has room again, or is there again, or is gone.
    void wake();
    [[nodiscard]] bool empty() const noexcept { return waiting_.load() == 0; }
    void count_expired() noexcept { expired_.fetch_add(1, std::memory_order_relaxed); }
    [[nodiscard]] Counts counts() const noexcept;

private:
    mutable std::mutex mutex_;
    std::deque<std::shared_ptr<Place>> places_;
    std::atomic<std::uint64_t> waiting_{0};  // places_.size(), readable without the lock
    std::atomic<std::uint64_t> waited_{0};
    std::atomic<std::uint64_t> overflow_{0};
    std::atomic<std::uint64_t> expired_{0};
};

}  // namespace core::proxy
