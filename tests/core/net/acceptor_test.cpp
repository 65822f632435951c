#include "core/net/acceptor.hpp"

#include <fcntl.h>
#include <sys/resource.h>

#include <vector>

#include "tests/core/net/net_test.hpp"

namespace core::net::testing {
namespace {

class Door final : public Acceptor {
public:
    using Acceptor::Acceptor;
    std::vector<base::Descriptor> taken;
    int stopped = 0;

private:
    void on_stopped() override { ++stopped; }
    void on_accepted(base::Descriptor connection) override { taken.push_back(std::move(connection)); }
};

class AcceptorTest : public NetTest {
protected:
    void SetUp() override {
        NetTest::SetUp();
        if (loop_ != nullptr) {
            door_ = std::make_unique<Door>(*loop_, tests::listen_on_loopback(address_));
        }
    }
    void TearDown() override {
        if (door_ != nullptr) {
            door_->stop();
            EXPECT_TRUE(run_until([&] { return door_->idle(); }));
        }
    }
    void knock() { guests_.push_back(tests::connect_to(address_)); }
    bool took(std::size_t count) {
        return run_until([&] { return door_->taken.size() >= count; }) && door_->taken.size() == count;
    }

    Address address_;
    std::unique_ptr<Door> door_;
    std::vector<base::Descriptor> guests_;
};

TEST_F(AcceptorTest, TakesNoConnectionBeforeItIsStarted) {
    knock();
    loop_->run_once(20);
    EXPECT_EQ(door_->accepted(), 0U);
    EXPECT_TRUE(door_->idle());
    door_->start();
    EXPECT_TRUE(took(1));
}

TEST_F(AcceptorTest, TakesAllConnectionsNonBlockingAndCloseOnExec) {
    door_->start();
    for (int i = 0; i < 20; ++i) {
        knock();
    }
    EXPECT_TRUE(took(20));
    EXPECT_EQ(door_->accepted(), 20U);
    for (const base::Descriptor& connection : door_->taken) {
        EXPECT_NE(::fcntl(connection.get(), F_GETFL) & O_NONBLOCK, 0);
        EXPECT_NE(::fcntl(connection.get(), F_GETFD) & FD_CLOEXEC, 0);
    }
}

TEST_F(AcceptorTest, LeavesNewcomersInTheBacklogWhilePaused) {
    door_->start();
    knock();
    ASSERT_TRUE(took(1));
    door_->pause();
    ASSERT_TRUE(run_until([&] { return door_->idle(); }));
    knock();
    loop_->run_once(20);
    EXPECT_EQ(door_->accepted(), 1U);
    door_->start();
    EXPECT_TRUE(took(2));
}

TEST_F(AcceptorTest, GoesOnWhenStartedBeforeThePauseHasCome) {
    door_->start();
    loop_->run_once(1);
    door_->pause();
    door_->start();
    door_->start();
    ASSERT_TRUE(run_until([&] { return loop_->pending() == 1; }));
    knock();
    EXPECT_TRUE(took(1));
}

TEST_F(AcceptorTest, TakesTheBacklogWhenStopped) {
    door_->start();
    loop_->run_once(1);
    door_->pause();
    ASSERT_TRUE(run_until([&] { return door_->idle(); }));
    knock();
    knock();
    door_->stop();
    EXPECT_EQ(door_->taken.size(), 2U);
}

TEST_F(AcceptorTest, TakesConnectionsThatCameBeforeTheKernelEndsTheAccept) {
    door_->start();
    loop_->run_once(1);
    knock();
    door_->stop();
    knock();
    ASSERT_TRUE(run_until([&] { return door_->idle(); }));
    EXPECT_EQ(door_->taken.size(), 2U);
}

TEST_F(AcceptorTest, RefusesNewcomersOnceItHasStopped) {
    door_->start();
    loop_->run_once(1);
    door_->stop();
    ASSERT_TRUE(run_until([&] { return door_->stopped == 1; }));
    Socket late(*loop_, *open_socket(AF_INET));
    int result = 0;
    io::TaskGroup group;
    group.start(connect(late, address_, result));
    run(group);
    EXPECT_EQ(result, -ECONNREFUSED);
}

TEST_F(AcceptorTest, StaysStoppedWhateverIsAskedOfItLater) {
    door_->start();
    loop_->run_once(1);
    door_->stop();
    door_->pause();
    door_->start();
    ASSERT_TRUE(run_until([&] { return door_->idle(); }));
    door_->start();
    loop_->run_once(20);
    EXPECT_TRUE(door_->idle());
    EXPECT_EQ(door_->stopped, 1);
}

TEST_F(AcceptorTest, TriesAgainWhenDescriptorsHadRunOut) {
#if defined(__SANITIZE_ADDRESS__)
    GTEST_SKIP() << "a sanitized build: UBSan looks at objects through a pipe and needs descriptors of its own";
#endif
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    knock();
    const rlimit none{0, before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
    door_->start();  // the ring reads the limit once, when the accept is submitted
    loop_->run_once(1);
    const bool ended = run_until([&] { return door_->idle(); });
    ::setrlimit(RLIMIT_NOFILE, &before);
    ASSERT_TRUE(ended) << "the kernel should have said EMFILE";
    EXPECT_TRUE(took(1));
}

}  // namespace
}  // namespace core::net::testing
