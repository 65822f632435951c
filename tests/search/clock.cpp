#include "tests/search/clock.hpp"

#include <fmt/format.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

namespace tests::search {
namespace {

// In real time. After it, a thread never blocks, or all wait for each other: both are faults.
constexpr std::chrono::seconds stuck_after{120};

// One for each thread, because a thread waits in one poll at a time.
int own_event() {
    thread_local const core::base::Descriptor event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    return event.get();
}

}  // namespace

SearchClock::SearchClock() : thread_([this] { run(); }) {
    core::base::set_clock_source(this);
}

SearchClock::~SearchClock() {
    ending_ = true;
    thread_.join();
    core::base::set_clock_source(nullptr);
}

core::WallTime SearchClock::wall() noexcept {
    return core::WallTime(core::Milliseconds(now_.load() + wall_ahead_.load()));
}

core::BootTime SearchClock::boot() noexcept {
    return core::BootTime(core::Milliseconds(now_.load()));
}

SearchClock::Sleepers::iterator SearchClock::add(core::Milliseconds duration, Sleeper sleeper) {
    const std::lock_guard lock(mutex_);
    return sleepers_.emplace(now_ + duration.count(), sleeper);
}

void SearchClock::remove(Sleepers::iterator sleeper) {
    const std::lock_guard lock(mutex_);
    sleepers_.erase(sleeper);
}

std::cv_status SearchClock::wait(std::condition_variable& condition, std::unique_lock<std::mutex>& lock,
                                 core::Milliseconds duration) {
    if (duration <= core::Milliseconds{0}) {
        return std::cv_status::timeout;
    }
    const auto sleeper = add(duration, {&condition, -1, {}, false});
    const std::int64_t deadline = sleeper->first;
    condition.wait(lock);
    remove(sleeper);
    return now_ >= deadline ? std::cv_status::timeout : std::cv_status::no_timeout;
}

int SearchClock::poll(pollfd& entry, core::Milliseconds duration) {
    const int event = own_event();
    const auto sleeper = add(duration, {nullptr, event, {}, false});
    std::array<pollfd, 2> both{entry, pollfd{event, POLLIN, 0}};
    const int ready = ::poll(both.data(), both.size(), -1);
    remove(sleeper);
    std::uint64_t woken = 0;
    static_cast<void>(::read(event, &woken, sizeof woken) > 0);
    entry.revents = both[0].revents;
    return ready < 0 ? ready : static_cast<int>(entry.revents != 0);
}

void SearchClock::pass(core::Milliseconds time) {
    std::mutex nobody_else;
    std::condition_variable woken;
    std::unique_lock lock(nobody_else);
    const auto sleeper = add(core::Milliseconds{0}, {&woken, -1, time, false});
    const std::int64_t target = sleeper->first + time.count();
    while (now_ < target) {
        woken.wait(lock);
    }
    remove(sleeper);
}

void SearchClock::run() {
    auto moved = std::chrono::steady_clock::now();
    while (!ending_) {
        const auto now = std::chrono::steady_clock::now();
        if (idleness_.all_idle() && jump()) {
            moved = now;
        } else if (now >= moved + stuck_after) {
            fmt::print(stderr, "The search's world does not come to rest; the system calls of its threads:\n{}",
                       idleness_.print());
            std::abort();
        }
    }
}

// False: no thread waits for a time that is still to come.
bool SearchClock::jump() {
    const std::lock_guard lock(mutex_);
    // One that was woken may still wait for its lock.
    const auto next =
        std::find_if(sleepers_.begin(), sleepers_.end(), [](const auto& each) { return !each.second.woken; });
    const bool found = next != sleepers_.end();
    if (found) {
        now_ = std::max(now_.load(), next->first + next->second.leap.count());
        ++jumps_;
    }
    // Also those that were woken and are still here. A delayed packet may have woken a thread after all were seen idle.
    // That thread may have been between add() and its wait, and missed the wake.
    for (auto& [due, sleeper] : sleepers_) {
        if (due > now_) {
            break;
        }
        sleeper.woken = true;
        if (sleeper.condition != nullptr) {
            sleeper.condition->notify_all();
        } else {
            const std::uint64_t one = 1;
            static_cast<void>(::write(sleeper.event, &one, sizeof one) > 0);
        }
    }
    return found;
}

}  // namespace tests::search
