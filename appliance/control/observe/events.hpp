// Events: the last lines of the log, for followers over the API. Any thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/duration.hpp"

namespace appliance::control {

class Events {
public:
    static constexpr std::size_t kept_max = 1024;
    // Each holds a thread and a connection of the API.
    static constexpr unsigned followers_max = 16;

    struct Event {
        std::uint64_t id = 0;  // greater than that of any before, also of those of an earlier process
        std::string kind;
        std::string line;  // JSON, without its line end
    };
    struct News {
        std::vector<Event> events;  // oldest first
        bool missed = false;        // there were others before them, which are not kept any more
    };

    Events();
    Events(const Events&) = delete;
    Events& operator=(const Events&) = delete;

    void publish(std::string_view kind, std::string_view line);
    // Those after an id, as soon as there are some; none after patience.
    News after(std::uint64_t id, core::Milliseconds patience);
    [[nodiscard]] std::uint64_t newest() const;
    // A place among the followers, given back with the last copy; null where all are taken.
    std::shared_ptr<void> follow();

private:
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Event> kept_;
    const std::uint64_t before_;  // the id before the first one
    std::uint64_t newest_;
    std::atomic<unsigned> followers_ = 0;
};

}  // namespace appliance::control
