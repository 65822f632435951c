// Streak: how many exchanges of visitors have failed in a row on one backend, all workers together, for the passive
// check. One visitor can ask for the one page that fails as often as it likes, so what a request may have caused counts
// only once two visitors have met it; a connect that fails is no request's doing. Failures are rare, so the shared
// numbers are hardly ever written while a server is well.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>

namespace core::proxy {

class Streak {
public:
    // Any thread. source: of the visitor whose request failed (source_of() of Sources); nothing where none had been
    // sent. True for the one failure with which there are at least length in a row (length >= 1), of no single
    // visitor's; the streak begins anew then.
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
