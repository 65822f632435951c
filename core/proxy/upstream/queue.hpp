// Queue: the requests and relays that wait because every server of a pool is at its limit. One for each pool, shared by
// all workers, so that the order of arrival holds across workers. Its lock is not taken while the queue is empty.
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
    // One place in the queue. Its owner sleeps on slot, on its own worker's thread. wake() wakes it through that
    // worker's mailbox. The letter keeps the place alive, so it may arrive after the owner has left.
    struct Place {
        explicit Place(io::Mailbox& mailbox) noexcept : home(mailbox) {}
        io::Mailbox& home;
        io::OperationSlot slot;
    };

    // Counts since the start; waiting: now.
    struct Counts {
        std::uint64_t waiting = 0;
        std::uint64_t waited = 0;    // had to wait
        std::uint64_t overflow = 0;  // were turned away because the queue was full
        std::uint64_t expired = 0;   // were turned away because their time was up
    };

    // All of these: any thread.

    // Takes the last place. False, without any change, where most places are taken (0: none may wait).
    bool enter(const std::shared_ptr<Place>& place, std::uint32_t most);
    // Gives the place up, wherever in the queue it is, and wakes the first place that is left.
    void leave(const Place& place);
    // Whether place is first. Only the first place may take room that comes free. wake() wakes it when that may have
    // changed.
    [[nodiscard]] bool first(const Place& place) const;
    // Wakes the first place, because a server has room again, has come up, or was removed.
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
