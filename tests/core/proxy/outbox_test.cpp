// What an outbox sends, and how long it holds memory.
#include "core/proxy/transfer/outbox.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>

#include "tests/core/net/net_test.hpp"

namespace core::proxy::testing {
namespace {

io::Task<void> flush(Outbox& outbox, std::string_view also, int& result) {
    result = co_await outbox.flush(also);
}

class OutboxTest : public net::testing::NetTest {
protected:
    void SetUp() override {
        NetTest::SetUp();
        if (socket_ != nullptr) {
            deadline_ = std::make_unique<net::Deadline>(*socket_);
            outbox_.aim(*socket_, *deadline_, Milliseconds(5000));
        }
    }
    void TearDown() override { deadline_.reset(); }
    // Flushes, and returns what the peer gets.
    std::string flushed(std::string_view also = {}) {
        int result = -1;
        io::TaskGroup group;
        group.start(flush(outbox_, also, result));
        run(group);
        EXPECT_EQ(result, 0);
        std::array<char, 256> got{};
        const ssize_t size = ::recv(peer_.get(), got.data(), got.size(), MSG_DONTWAIT);
        return {got.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
    }
    // Free pieces of memory: 0 while the outbox holds the only one, 1 after it has given it back.
    [[nodiscard]] std::size_t given_back() const { return memory_.kept(); }

    ScratchPool memory_;
    Moved moved_;
    Outbox outbox_{memory_, moved_};
    std::unique_ptr<net::Deadline> deadline_;
};

TEST_F(OutboxTest, SendsWhatIsPendingAndThenTheRest) {
    outbox_.append("head ");
    EXPECT_EQ(flushed("body"), "head body");
    EXPECT_EQ(outbox_.sent(), 9U);
    EXPECT_EQ(moved_.copied, 9U);
}

TEST_F(OutboxTest, HoldsMemoryOnlyWhileSomethingIsGathered) {
    EXPECT_EQ(outbox_.left(), Scratch::usual);
    outbox_.append("a");
    EXPECT_EQ(given_back(), 0U);
    EXPECT_EQ(outbox_.left(), Scratch::usual - 1);
    EXPECT_EQ(flushed(), "a");
    EXPECT_EQ(given_back(), 1U);
    EXPECT_EQ(flushed("long"), "long");
    EXPECT_EQ(given_back(), 1U) << "what is not gathered needs none";
}

TEST_F(OutboxTest, SendsAgainWhatItWasToldToKeep) {
    outbox_.append("request");
    outbox_.keep();
    EXPECT_EQ(flushed(), "request");
    EXPECT_EQ(given_back(), 0U);
    outbox_.clear();
    outbox_.wrote(7);
    EXPECT_EQ(flushed(), "request");
    outbox_.let_go();
    EXPECT_EQ(given_back(), 1U);
}

TEST_F(OutboxTest, LetsGoOfNothingThatIsStillToBeSent) {
    outbox_.keep();
    outbox_.append("request");
    outbox_.let_go();
    EXPECT_EQ(given_back(), 0U);
    EXPECT_EQ(flushed(), "request");
    EXPECT_EQ(given_back(), 1U);
}

TEST_F(OutboxTest, FillsItsMemoryToTheLastByte) {
    outbox_.append(std::string(Scratch::usual, 'x'));
    EXPECT_EQ(outbox_.left(), 0U);
    EXPECT_TRUE(outbox_.room().empty());
    EXPECT_DEATH(outbox_.append("y"), "");
}

}  // namespace
}  // namespace core::proxy::testing
