#include "core/net/deadline.hpp"

#include "tests/core/net/net_test.hpp"

namespace core::net::testing {
namespace {

class DeadlineTest : public NetTest {
protected:
    std::string into_ = std::string(16, 0);
    int result_ = 1;
};

TEST_F(DeadlineTest, AbortsTheSocketWhenItsTimeIsUp) {
    Deadline deadline(*socket_);
    io::TaskGroup group;
    deadline.set(Milliseconds(20));
    const io::Tick begun = loop_->now();
    group.start(receive_some(*socket_, into_, result_));
    EXPECT_FALSE(deadline.expired());
    run(group);
    EXPECT_LE(result_, 0);
    EXPECT_TRUE(deadline.expired());
    EXPECT_TRUE(socket_->aborted());
    EXPECT_GE(loop_->now() - begun, 20U);
    EXPECT_EQ(end_of(peer_.get()), "");
}

TEST_F(DeadlineTest, EndsOnlyTheReceiveWhereAskedTo) {
    Deadline deadline(*socket_);
    io::TaskGroup group;
    deadline.set(Milliseconds(20), Deadline::Effect::cancel_receive);
    group.start(receive_some(*socket_, into_, result_));
    run(group);
    EXPECT_EQ(result_, -ECANCELED);
    EXPECT_TRUE(deadline.expired());
    EXPECT_FALSE(socket_->aborted());
    group.start(send_all(*socket_, "408", result_));
    run(group);
    EXPECT_EQ(result_, 3);
}

TEST_F(DeadlineTest, DoesNothingOnceCleared) {
    Deadline deadline(*socket_);
    Deadline later(*socket_);
    deadline.set(Milliseconds(10));
    later.set(Milliseconds(30), Deadline::Effect::cancel_receive);
    deadline.clear();
    io::TaskGroup group;
    group.start(receive_some(*socket_, into_, result_));
    run(group);
    EXPECT_FALSE(deadline.expired());
    EXPECT_TRUE(later.expired());
    EXPECT_FALSE(socket_->aborted());
}

TEST_F(DeadlineTest, DoesNothingOnceItHasGone) {
    { Deadline(*socket_).set(Milliseconds(10)); }
    EXPECT_EQ(loop_->wheel().size(), 0U);
}

TEST_F(DeadlineTest, CountsFromTheLastTimeItWasSet) {
    Deadline deadline(*socket_);
    Deadline between(*socket_);
    deadline.set(Milliseconds(10));
    deadline.set(Milliseconds(3'600'000));
    between.set(Milliseconds(40), Deadline::Effect::cancel_receive);
    io::TaskGroup group;
    group.start(receive_some(*socket_, into_, result_));
    run(group);
    EXPECT_TRUE(between.expired());
    EXPECT_FALSE(deadline.expired());
}

TEST_F(DeadlineTest, ForgetsThatItExpiredWhenSetAgain) {
    Deadline deadline(*socket_);
    deadline.set(Milliseconds(1), Deadline::Effect::cancel_receive);
    EXPECT_TRUE(run_until([&] { return deadline.expired(); }));
    deadline.set(Milliseconds(3'600'000));
    EXPECT_FALSE(deadline.expired());
}

}  // namespace
}  // namespace core::net::testing
