#include "images/update/watch.hpp"

#include <algorithm>
#include <utility>

namespace images::update {

Watch::Watch(std::chrono::milliseconds limit, std::chrono::milliseconds look, std::function<bool()> wanted,
             std::function<void(Reason)> end)
    : deadline_(Clock::now() + limit), look_(look), wanted_(std::move(wanted)), end_(std::move(end)), thread_([this] {
          run();
      }) {}

Watch::~Watch() {
    {
        const std::lock_guard lock(mutex_);
        over_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

void Watch::run() {
    std::unique_lock lock(mutex_);
    while (!over_) {
        const auto now = Clock::now();
        if (now >= deadline_) {
            return end_(Reason::too_long);
        }
        if (wanted_()) {
            return end_(Reason::something_else);
        }
        changed_.wait_until(lock, std::min(deadline_, now + look_));
    }
}

}  // namespace images::update
