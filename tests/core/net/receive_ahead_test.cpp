// Receives that run before they are awaited, as on idle backend connections.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <utility>

#include "tests/core/net/net_test.hpp"

namespace core::net::testing {
namespace {

using ReceiveAheadTest = NetTest;

io::Task<void> await_ahead(io::ReceiveAhead& ahead, int& result) {
    result = co_await ahead;
}

TEST_F(ReceiveAheadTest, AReceiveBegunAheadKnowsWhetherThePeerHasStayedQuiet) {
    auto ahead = socket_->receive_ahead();
    loop_->run_once(1);
    EXPECT_TRUE(ahead->quiet());
    ASSERT_EQ(::write(peer_.get(), "unasked", 7), 7);
    EXPECT_TRUE(run_until([&] { return !ahead->quiet(); }));
}

TEST_F(ReceiveAheadTest, AReceiveBegunAheadKnowsAnEndAndAReset) {
    auto ahead = socket_->receive_ahead();
    ::shutdown(peer_.get(), SHUT_WR);
    EXPECT_TRUE(run_until([&] { return !ahead->quiet(); }));

    auto [client, server] = tests::socket_pair();
    Socket other(*loop_, std::move(client));
    auto another = other.receive_ahead();
    const linger at_once{1, 0};
    ::setsockopt(server.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    server.reset();
    EXPECT_TRUE(run_until([&] { return !another->quiet(); }));
}

TEST_F(ReceiveAheadTest, AReceiveBegunAheadIsAwaitedBeforeOrAfterTheDataIsThere) {
    for (const bool before : {true, false}) {
        auto ahead = socket_->receive_ahead();
        if (!before) {
            ASSERT_EQ(::write(peer_.get(), "hello", 5), 5);
            ASSERT_TRUE(run_until([&] { return !ahead->quiet(); }));
        }
        int result = 0;
        io::TaskGroup group;
        group.start(await_ahead(*ahead, result));
        if (before) {
            EXPECT_FALSE(group.empty());
            ASSERT_EQ(::write(peer_.get(), "hello", 5), 5);
        }
        run(group);
        ASSERT_EQ(result, 5);
        const io::Lease lease = ahead->take();
        EXPECT_EQ(std::string_view(lease.bytes().data(), 5), "hello");
    }
}

TEST_F(ReceiveAheadTest, AnAwaitedReceiveBegunAheadEndsWithItsSocket) {
    auto ahead = socket_->receive_ahead();
    int result = 0;
    io::TaskGroup group;
    group.start(await_ahead(*ahead, result));
    socket_->abort();
    run(group);
    EXPECT_LE(result, 0);
}

// A queued entry names its file by the number alone.
TEST_F(ReceiveAheadTest, AnAbandonedReceiveTakesNothingFromTheNextSocketOfItsNumber) {
    const int number = socket_->fd();
    io::ReceiveAhead::abandon(socket_->receive_ahead());
    socket_ = nullptr;
    auto [next, other] = tests::socket_pair();
    ASSERT_EQ(next.get(), number);
    ASSERT_EQ(::write(other.get(), "hello", 5), 5);
    EXPECT_TRUE(run_until([&] { return loop_->pending() == 0; }));
    std::array<char, 8> bytes{};
    EXPECT_EQ(::recv(next.get(), bytes.data(), bytes.size(), MSG_DONTWAIT), 5);
}

TEST_F(ReceiveAheadTest, AnAbandonedReceiveIsFreedWhenTheKernelLetsItGo) {
    io::ReceiveAhead::abandon(socket_->receive_ahead());
    socket_ = nullptr;
    char byte = 0;
    EXPECT_TRUE(run_until([&] { return loop_->pending() == 0; }));
    EXPECT_EQ(::recv(peer_.get(), &byte, 1, 0), 0) << "the peer sees the end";
}

TEST_F(ReceiveAheadTest, AnAbandonedReceiveThatHadComeIsFreedAtOnce) {
    auto ahead = socket_->receive_ahead();
    ASSERT_EQ(::write(peer_.get(), "x", 1), 1);
    ASSERT_TRUE(run_until([&] { return !ahead->quiet(); }));
    EXPECT_EQ(loop_->buffers().on_loan(), 1U);
    io::ReceiveAhead::abandon(std::move(ahead));
    EXPECT_EQ(loop_->buffers().on_loan(), 0U);
    EXPECT_EQ(loop_->pending(), 0U);
}

}  // namespace
}  // namespace core::net::testing
