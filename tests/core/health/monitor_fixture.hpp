// Monitor under test, and the events that it reports. For the tests of this room.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/health/monitor.hpp"
#include "tests/core/health/backend.hpp"

namespace core::health::testing {

// Stores the monitor's events.
class Events final : public Monitor::Observer {
public:
    void on_health(const Standing& standing) override {
        {
            const std::lock_guard lock(mutex_);
            standings_.push_back(standing);
        }
        count_.add();
    }
    void on_inherited(const Standing& standing) override {
        const std::lock_guard lock(mutex_);
        inherited_.push_back(standing);
    }
    void on_shortage(const Standing& /*standing*/, const std::string& /*why*/) override { shortages.add(); }
    Counter shortages;
    std::vector<Standing> inherited() {
        const std::lock_guard lock(mutex_);
        return inherited_;
    }
    // The first count events, or those of the first five seconds.
    std::vector<Standing> wait(int count) {
        EXPECT_TRUE(count_.wait(count)) << "there should be " << count << " events";
        const std::lock_guard lock(mutex_);
        return standings_;
    }

private:
    std::mutex mutex_;
    std::vector<Standing> standings_;
    std::vector<Standing> inherited_;
    Counter count_;
};

class MonitorTest : public ::testing::Test {
protected:
    void SetUp() override {
        monitor_ = std::make_unique<Monitor>(events_);
        const auto started = monitor_->start();
        if (!started) {
            GTEST_SKIP() << started.error().line();
        }
    }
    static Target target(const std::string& server, const Address& address, Milliseconds interval,
                         Milliseconds timeout = Milliseconds(5000)) {
        Target target{"app", server, address, {}};
        target.check.interval = interval;
        target.check.timeout = timeout;
        return target;
    }
    void apply(std::vector<Target> targets) { monitor_->apply(std::move(targets), {}); }

    static constexpr Milliseconds often{5};
    static constexpr Milliseconds once{3'600'000};
    Events events_;
    std::unique_ptr<Monitor> monitor_;
};

}  // namespace core::health::testing
