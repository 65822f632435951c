// Watch: ends another thread's work when it takes too long, or when something else is wanted. Works while that thread
// is blocked: in a name service, a handshake, or by a slow server.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace images::update {

class Watch {
public:
    enum class Reason { too_long, something_else };
    using Clock = std::chrono::steady_clock;

    // Calls end once, in a thread of its own: when `limit` is over, or when wanted() is true, which is checked every
    // `look`. The destructor waits for a running call; neither is called afterwards. end() may end the process.
    Watch(std::chrono::milliseconds limit, std::chrono::milliseconds look, std::function<bool()> wanted,
          std::function<void(Reason)> end);
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

private:
    void run();

    const Clock::time_point deadline_;
    const std::chrono::milliseconds look_;
    const std::function<bool()> wanted_;
    const std::function<void(Reason)> end_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool over_ = false;
    std::thread thread_;  // the last, so that it finds the rest made
};

}  // namespace images::update
