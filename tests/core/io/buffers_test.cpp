// How many receive buffers the kernel gets, in a burst and after it. The tests act as the kernel: they take leases as
// completions would.
#include "core/io/buffers.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

namespace core::io {
namespace {

constexpr Tick start = 1'000'000;

class Waiter final : public LeaseWaiter {
public:
    int woken = 0;

private:
    void lease_returned() override { ++woken; }
};

class BuffersTest : public ::testing::Test {
protected:
    void SetUp() override {
        if (const int made = io_uring_queue_init(8, &ring_, 0); made < 0) {
            GTEST_SKIP() << "no io_uring: " << std::strerror(-made);
        }
        auto buffers = Buffers::create(ring_, {.count = 64, .size = 65'536, .published = 2});
        ASSERT_TRUE(buffers) << buffers.error().line();
        buffers_ = std::move(*buffers);
        buffers_->begin_round(start);
    }
    void TearDown() override {
        if (buffers_ != nullptr) {
            leases_.clear();
            buffers_.reset();
            io_uring_queue_exit(&ring_);
        }
    }
    void take(unsigned first, unsigned count) {
        for (unsigned id = first; id < first + count; ++id) {
            leases_.push_back(buffers_->lease(IORING_CQE_F_BUFFER | id << IORING_CQE_BUFFER_SHIFT));
        }
    }
    // So many receives of one round find no buffer. Returns how many of them must try again.
    int miss(int count) {
        int again = 0;
        for (int each = 0; each < count; ++each) {
            again += buffers_->more_or_wait(waiter_) ? 1 : 0;
        }
        return again;
    }

    io_uring ring_{};
    std::unique_ptr<Buffers> buffers_;
    std::vector<Lease> leases_;
    Waiter waiter_;
};

TEST_F(BuffersTest, ARushPublishesWhatItWantsAtOnceAndNotTheDoubleForEach) {
    take(0, 2);
    EXPECT_EQ(miss(6), 6);
    EXPECT_EQ(buffers_->published(), 8U);
    EXPECT_EQ(miss(1), 1);
    EXPECT_EQ(buffers_->published(), 16U) << "a ninth at once";
}

TEST_F(BuffersTest, AReceiveThatFindsNoneInALaterRoundGetsMore) {
    EXPECT_EQ(miss(1), 1);
    EXPECT_EQ(buffers_->published(), 4U);
    buffers_->begin_round(start);
    EXPECT_EQ(miss(1), 1);
    EXPECT_EQ(buffers_->published(), 8U);
}

TEST_F(BuffersTest, PublishesNoMoreThanThereAre) {
    take(0, 2);
    EXPECT_EQ(miss(62), 62);
    EXPECT_EQ(buffers_->published(), 64U);
    take(2, 62);
    EXPECT_EQ(miss(1), 0);
    EXPECT_EQ(waiter_.woken, 0);
    leases_.pop_back();
    EXPECT_EQ(waiter_.woken, 1);
}

TEST_F(BuffersTest, WhatARushHasNeededGoesBackWhenItIsOver) {
    take(0, 2);
    miss(14);
    take(2, 14);
    ASSERT_EQ(buffers_->published(), 16U);
    for (Lease& lease : leases_) {
        std::ranges::fill(lease.bytes(), 'x');
    }
    buffers_->begin_round(start + Buffers::review_every);  // sixteen were wanted since the last review
    leases_.clear();
    EXPECT_EQ(buffers_->published(), 16U);
    buffers_->begin_round(start + 2 * Buffers::review_every);  // and again, because they were given back since
    buffers_->begin_round(start + 3 * Buffers::review_every);  // none
    take(0, 3);
    leases_.clear();
    EXPECT_EQ(buffers_->published(), 13U) << "each as it comes back";
    take(3, 13);
    leases_.clear();
    EXPECT_EQ(buffers_->published(), 2U);

    miss(4);
    ASSERT_EQ(buffers_->published(), 8U);
    take(10, 1);  // retired above, and published again
    EXPECT_EQ(leases_[0].bytes()[0], '\0') << "its memory had gone back to the system";
}

TEST_F(BuffersTest, KeepsTwiceWhatIsWanted) {
    take(0, 2);
    miss(14);
    leases_.clear();
    for (Tick look = 1; look <= 3; ++look) {
        take(0, 3);
        leases_.clear();
        buffers_->begin_round(start + look * Buffers::review_every);
    }
    take(0, 16);
    leases_.clear();
    EXPECT_EQ(buffers_->published(), 6U);
}

TEST_F(BuffersTest, NothingIsSurplusAnyMoreOnceAReceiveFindsNone) {
    take(0, 2);
    miss(62);
    leases_.clear();
    buffers_->begin_round(start + Buffers::review_every);
    buffers_->begin_round(start + 2 * Buffers::review_every);  // 62 are too many now
    take(0, 64);
    EXPECT_EQ(miss(1), 0);
    leases_.clear();
    EXPECT_EQ(waiter_.woken, 1);
    EXPECT_EQ(buffers_->published(), 64U);
}

}  // namespace
}  // namespace core::io
