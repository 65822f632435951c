#include "appliance/control/observe/revision.hpp"

namespace appliance::control {

void Revision::advance() {
    const std::lock_guard lock(mutex_);
    ++number_;
    advanced_.notify_all();
}

std::uint64_t Revision::current() const {
    const std::lock_guard lock(mutex_);
    return number_;
}

void Revision::wait(std::uint64_t seen, std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    if (watchers_ >= watchers_max) {
        return;
    }
    ++watchers_;
    advanced_.wait_for(lock, patience, [this, seen] { return number_ != seen; });
    --watchers_;
}

}  // namespace appliance::control
