// Story: the house of the search, for the steps of a known lie. Fails where an answer of control is not true.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "tests/search/operators.hpp"
#include "tests/search/runner.hpp"

namespace tests::search {

using namespace std::chrono_literals;
class Story : public testing::Test {
protected:
    Story() { EXPECT_TRUE(house_.settle()); }
    ~Story() override { expect_truth(); }

    void expect_truth() {
        const bool lied = house_.truth.lied();
        EXPECT_FALSE(lied) << *house_.truth.lie << "\n" << house_.truth.print_story(60);
    }
    template <typename Ask>
    bool wait_for(Ask ask) {
        for (int tries = 0; tries < 3'000; ++tries) {
            if (ask()) {
                return true;
            }
            core::base::sleep_for(50ms);
        }
        return false;
    }
    // Puts so many requests in flight on web2.
    std::string load(unsigned count, unsigned server = 1) {
        const std::string address = house_.address(server, "app");
        const bool sent = wait_for([&] { return house_.request(address); });
        EXPECT_TRUE(sent);
        for (unsigned i = 1; i < count; ++i) {
            EXPECT_TRUE(house_.request(address));
        }
        return address;
    }
    void warm() {
        // Two reports: the first begins the checks.
        for (int i = 0; i < 3; ++i) {
            const House::Use use(house_);
            static_cast<void>(use.control().status());
        }
    }
    bool fenced(unsigned server, const std::string& pool = "app") {
        const std::lock_guard lock(house_.truth.mutex);
        return house_.truth.in_kernel(house_.address(server, pool)).has_value();
    }
    // The proxy may send visitors there.
    bool rotates(unsigned server) {
        const std::lock_guard lock(house_.truth.mutex);
        return house_.truth.rotation[house_.address(server, "app")].now();
    }
    std::string step_of(std::int64_t rollout, const std::string& kind, const std::string& server) {
        const House::Use use(house_);
        const auto view = use.conductor().view(rollout);
        for (const auto& step : (*view)["steps"]) {
            if (step["kind"] == kind && step["servers"].front() == server) {
                return step["progress"];
            }
        }
        return {};
    }
    std::string state_of(std::int64_t rollout) {
        const House::Use use(house_);
        return use.conductor().view(rollout).value()["state"];
    }

    SearchClock clock_;
    House house_{clock_};
    Operators operators_{house_};
};

}  // namespace tests::search
