// Revision: counts the changes of what operators see, so that a watcher can wait for the next one. Any thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace appliance::control {

class Revision {
public:
    // More wait at the same time never do: each holds a thread of the API.
    static constexpr unsigned watchers_max = 16;

    void advance();
    [[nodiscard]] std::uint64_t current() const;
    // Returns when the revision is another than `seen`, or after `patience`. At once where there are too many watchers.
    void wait(std::uint64_t seen, std::chrono::milliseconds patience);

private:
    mutable std::mutex mutex_;
    std::condition_variable advanced_;
    std::uint64_t number_ = 1;
    unsigned watchers_ = 0;
};

}  // namespace appliance::control
