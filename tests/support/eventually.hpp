// Eventually: a test's wait for an event of another thread or process. It looks every few milliseconds, and gives up
// after a minute. No machine needs that long unless it is stuck.
#pragma once

#include <chrono>
#include <thread>

namespace tests::support {

// Whether condition() became true within a minute. It is asked once at least, on the caller's thread.
template <typename Condition>
[[nodiscard]] bool eventually(Condition condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > end) {
            return false;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
}

}  // namespace tests::support
