// Streak: how many exchanges in a row have failed on one backend, over all workers, for the passive check. One visitor
// can request a failing page as often as it likes. So failures that a request may have caused count only once two
// visitors have met them. A failed connect never depends on a request. Failures are rare, so the shared numbers are
// seldom written.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>

namespace core::proxy {

class Streak {
public:
    // Any thread. source: of the failed request's visitor (source_of() of Sources); empty where none had been sent.
    // length: at least 1. True where at least length failures in a row are counted: of two visitors, or one of them
    // without a visitor. The count restarts then.
    bool fail(std::uint32_t length, std::optional<std::uint64_t> source) {
        const std::lock_guard lock(mutex_);
        several_ = several_ || !source || (first_ && *first_ != *source);
        first_ = source ? source : first_;
        const std::uint32_t failed = failed_.fetch_add(1) + 1;
        if (failed < length || !several_) {
            return false;
        }
        begin();
        return true;
    }
    void pass() {
        if (failed_.load(std::memory_order_relaxed) != 0) {
            const std::lock_guard lock(mutex_);
            begin();
        }
    }

private:
    void begin() {
        failed_.store(0);
        first_.reset();
        several_ = false;
    }

    std::atomic<std::uint32_t> failed_{0};  // written with mutex_ held
    std::mutex mutex_;
    std::optional<std::uint64_t> first_;
    bool several_ = false;
};

}  // namespace core::proxy
