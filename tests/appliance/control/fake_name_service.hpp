// A name service that says what a test tells it to.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "appliance/control/observe/names.hpp"

namespace appliance::control {

// Outlives those that ask it. Any thread.
class FakeNameService {
public:
    // Without addresses, the name does not resolve.
    void set(const std::string& name, const std::vector<std::string>& hosts) {
        const std::lock_guard lock(mutex_);
        hosts_[name] = hosts;
    }
    // Whether questions wait for their answers from now on.
    void hold(bool held) {
        const std::lock_guard lock(mutex_);
        held_ = held;
        changed_.notify_all();
    }
    // Returns when the name has been asked for so many times more than when this was called.
    void await_asked(const std::string& name, unsigned more = 1) {
        std::unique_lock lock(mutex_);
        const unsigned wanted = asked_[name] + more;
        changed_.wait(lock, [&] { return asked_[name] >= wanted; });
    }
    void await_first(const std::string& name) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return asked_[name] > 0; });
    }
    Names::LookUp look_up() {
        return [this](const std::string& name, Names::Clock::time_point) { return answer(name); };
    }

private:
    core::Result<std::vector<core::Address>> answer(const std::string& name) {
        std::unique_lock lock(mutex_);
        ++asked_[name];
        changed_.notify_all();
        changed_.wait(lock, [this] { return !held_; });
        std::vector<core::Address> found;
        for (const std::string& host : hosts_[name]) {
            found.push_back(*core::Address::parse_host(host, 0));
        }
        if (found.empty()) {
            return core::fail("its name cannot be looked up", "Name or service not known");
        }
        return found;
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::map<std::string, std::vector<std::string>> hosts_;
    std::map<std::string, unsigned> asked_;
    bool held_ = false;
};

}  // namespace appliance::control
