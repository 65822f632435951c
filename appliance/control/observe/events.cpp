#include "appliance/control/observe/events.hpp"

#include <algorithm>

namespace appliance::control {

// A thousand a millisecond would have to be published for two processes to use the same ids.
Events::Events()
    : before_(static_cast<std::uint64_t>(core::base::wall_now().time_since_epoch().count()) * 1000), newest_(before_) {}

void Events::publish(std::string_view kind, std::string_view line) {
    while (line.ends_with('\n')) {
        line.remove_suffix(1);
    }
    const std::lock_guard lock(mutex_);
    kept_.push_back({++newest_, std::string(kind), std::string(line)});
    if (kept_.size() > kept_max) {
        kept_.pop_front();
    }
    changed_.notify_all();
}

Events::News Events::after(std::uint64_t id, core::Milliseconds patience) {
    std::unique_lock lock(mutex_);
    // What is kept, and not the newest number: at the start there is a number and no event yet.
    changed_.wait_for(lock, patience, [&] { return !kept_.empty() && kept_.back().id > id; });
    News news;
    const auto first = std::find_if(kept_.begin(), kept_.end(), [id](const Event& event) { return event.id > id; });
    news.events.assign(first, kept_.end());
    // Of a process before this one nothing is kept. A reader that asks for all there is has missed nothing.
    news.missed = id != 0 && !news.events.empty() && (id < before_ || news.events.front().id > id + 1);
    return news;
}

std::uint64_t Events::newest() const {
    const std::lock_guard lock(mutex_);
    return newest_;
}

std::shared_ptr<void> Events::follow() {
    if (followers_.fetch_add(1) >= followers_max) {
        followers_.fetch_sub(1);
        return nullptr;
    }
    return {this, [](void* self) { static_cast<Events*>(self)->followers_.fetch_sub(1); }};
}

}  // namespace appliance::control
