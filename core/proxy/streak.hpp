// Streak: how many exchanges of visitors have failed in a row on one backend, all workers together, for the passive
// check. Failures are rare, so the shared number is hardly ever written while a server is well.
#pragma once

#include <atomic>
#include <cstdint>

namespace core::proxy {

class Streak {
public:
    // Any thread. True for the one failure that makes length in a row (length >= 1); the streak begins anew then.
    bool fail(std::uint32_t length) noexcept {
        if (failed_.fetch_add(1) + 1 < length) {
            return false;
        }
        return failed_.exchange(0) >= length;  // of two workers that come here at once, one
    }
    void pass() noexcept {
        if (failed_.load(std::memory_order_relaxed) != 0) {
            failed_.store(0);
        }
    }

private:
    std::atomic<std::uint32_t> failed_{0};
};

}  // namespace core::proxy
