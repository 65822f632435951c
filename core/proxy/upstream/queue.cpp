#include "core/proxy/upstream/queue.hpp"

#include <algorithm>

#include "core/base/verify.hpp"

namespace core::proxy {

bool Queue::enter(const std::shared_ptr<Place>& place, std::uint32_t most) {
    const std::lock_guard lock(mutex_);
    if (places_.size() >= most) {
        overflow_.fetch_add(1, std::memory_order_relaxed);
        return false;
    }
    places_.push_back(place);
    waiting_.store(places_.size());
    waited_.fetch_add(1, std::memory_order_relaxed);
    return true;
}

void Queue::leave(const Place& place) {
    {
        const std::lock_guard lock(mutex_);
        const auto found =
            std::find_if(places_.begin(), places_.end(), [&](const auto& p) { return p.get() == &place; });
        VERIFY(found != places_.end());
        places_.erase(found);
        waiting_.store(places_.size());
    }
    wake();
}

bool Queue::first(const Place& place) const {
    const std::lock_guard lock(mutex_);
    return !places_.empty() && places_.front().get() == &place;
}

void Queue::wake() {
    if (empty()) {
        return;
    }
    std::shared_ptr<Place> place;
    {
        const std::lock_guard lock(mutex_);
        if (places_.empty()) {
            return;
        }
        place = places_.front();
    }
    io::Mailbox& home = place->home;
    home.post([place = std::move(place)] {
        if (place->slot.current != nullptr) {
            place->slot.current->cancel();
        }
    });
}

Queue::Counts Queue::counts() const noexcept {
    return {waiting_.load(), waited_.load(std::memory_order_relaxed), overflow_.load(std::memory_order_relaxed),
            expired_.load(std::memory_order_relaxed)};
}

}  // namespace core::proxy
