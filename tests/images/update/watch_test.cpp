#include "images/update/watch.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <semaphore>

namespace images::update {
namespace {

using namespace std::chrono_literals;

class Watched : public testing::Test {
protected:
    void begin(std::chrono::milliseconds limit) {
        watch_.emplace(
            limit, 1ms, [this] { return wanted_.load(); },
            [this](Watch::Reason reason) {
                reason_ = reason;
                ++ends_;
                ended_.release();
            });
    }

    std::atomic<bool> wanted_ = false;
    std::atomic<Watch::Reason> reason_ = Watch::Reason::too_long;
    std::atomic<int> ends_ = 0;
    std::binary_semaphore ended_{0};
    std::optional<Watch> watch_;
};

TEST_F(Watched, EndsWhenTheTimeIsOver) {
    const auto begun = Watch::Clock::now();
    begin(50ms);
    ASSERT_TRUE(ended_.try_acquire_for(30s));
    EXPECT_GE(Watch::Clock::now() - begun, 50ms);
    EXPECT_EQ(reason_.load(), Watch::Reason::too_long);
    watch_.reset();
    EXPECT_EQ(ends_, 1);
}

TEST_F(Watched, EndsWhenSomethingElseIsWanted) {
    begin(1h);
    wanted_ = true;
    ASSERT_TRUE(ended_.try_acquire_for(30s));
    EXPECT_EQ(reason_.load(), Watch::Reason::something_else);
    watch_.reset();
    EXPECT_EQ(ends_, 1);
}

TEST_F(Watched, EndsNothingThatWasDoneInTime) {
    begin(1h);
    watch_.reset();
    wanted_ = true;
    EXPECT_EQ(ends_, 0);
}

}  // namespace
}  // namespace images::update
