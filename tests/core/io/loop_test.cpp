// Rings on real sockets: operations, leases, cancellation, tasks, mailbox.
#include "core/io/loop.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "core/io/mailbox.hpp"
#include "core/io/operation.hpp"
#include "core/io/task.hpp"
#include "tests/support/socket_pair.hpp"

namespace core::io {
namespace {

class LoopTest : public testing::Test {
protected:
    void SetUp() override {
        auto made = Loop::create({.buffers = {.count = 4, .size = 1024, .published = 2}});
        if (!made) {
            GTEST_SKIP() << made.error().line();
        }
        loop_ = std::move(*made);
        auto [client, server] = tests::socket_pair();
        here_ = std::move(client);
        there_ = std::move(server);
    }
    void run(TaskGroup& group) {
        loop_->run_until([&] { return group.empty(); });
    }

    std::unique_ptr<Loop> loop_;
    base::Descriptor here_;
    base::Descriptor there_;
    OperationSlot in_;
    OperationSlot out_;
};

Task<void> receive_into(Loop& loop, OperationSlot& slot, int fd, std::span<char> into, int& result) {
    result = co_await Receive(loop, slot, fd, into);
}

Task<void> receive_lease(Loop& loop, OperationSlot& slot, int fd, Lease& lease, int& result) {
    result = co_await ReceiveLease(loop, slot, fd, lease);
}

Task<void> send_all(Loop& loop, OperationSlot& slot, int fd, std::string_view bytes, int& result) {
    result = co_await Send(loop, slot, fd, bytes);
}

Task<void> sleep_until(Loop& loop, OperationSlot& slot, Tick until, int& result) {
    result = co_await Sleep(loop, slot, until);
}

Task<int> add_one(int value) {
    co_return value + 1;
}

Task<void> count_up(int times, int& sum) {
    for (int i = 0; i < times; ++i) {
        const int next = co_await add_one(sum);
        sum = next;
    }
}

TEST_F(LoopTest, ReceivesWhatThePeerSent) {
    std::array<char, 16> memory{};
    int result = 0;
    TaskGroup group;
    group.start(receive_into(*loop_, in_, here_.get(), memory, result));
    ASSERT_EQ(::write(there_.get(), "hello", 5), 5);
    run(group);
    EXPECT_EQ(result, 5);
    EXPECT_EQ(std::string_view(memory.data(), 5), "hello");
}

TEST_F(LoopTest, ReceivesIntoALeaseAndGivesItBack) {
    Lease lease;
    int result = 0;
    TaskGroup group;
    group.start(receive_lease(*loop_, in_, here_.get(), lease, result));
    EXPECT_EQ(loop_->buffers().on_loan(), 0U);
    ASSERT_EQ(::write(there_.get(), "hello", 5), 5);
    run(group);
    ASSERT_EQ(result, 5);
    EXPECT_EQ(loop_->buffers().on_loan(), 1U);
    EXPECT_EQ(std::string_view(lease.bytes().data(), 5), "hello");
    lease.release();
    EXPECT_EQ(loop_->buffers().on_loan(), 0U);
}

TEST_F(LoopTest, PublishesMoreBuffersAndThenWaitsForOneToComeBack) {
    std::array<Lease, 4> leases;
    for (Lease& lease : leases) {
        int result = 0;
        TaskGroup group;
        group.start(receive_lease(*loop_, in_, here_.get(), lease, result));
        ASSERT_EQ(::write(there_.get(), "x", 1), 1);
        run(group);
        ASSERT_EQ(result, 1);
    }
    EXPECT_EQ(loop_->buffers().published(), 4U);
    Lease late;
    int result = 0;
    TaskGroup group;
    group.start(receive_lease(*loop_, in_, here_.get(), late, result));
    ASSERT_EQ(::write(there_.get(), "y", 1), 1);
    loop_->run_once(20);
    loop_->run_once(20);
    EXPECT_EQ(result, 0) << "all buffers are on loan, so it has to wait";
    leases[0].release();
    run(group);
    EXPECT_EQ(result, 1);
    EXPECT_EQ(late.bytes()[0], 'y');
}

TEST_F(LoopTest, CancelsAReceiveThatWaitsForABuffer) {
    std::array<Lease, 4> leases;
    for (Lease& lease : leases) {
        int result = 0;
        TaskGroup group;
        group.start(receive_lease(*loop_, in_, here_.get(), lease, result));
        ASSERT_EQ(::write(there_.get(), "x", 1), 1);
        run(group);
    }
    Lease late;
    int result = 0;
    TaskGroup group;
    group.start(receive_lease(*loop_, in_, here_.get(), late, result));
    ASSERT_EQ(::write(there_.get(), "y", 1), 1);
    loop_->run_once(20);
    in_.current->cancel();
    run(group);
    EXPECT_EQ(result, -ECANCELED);
}

TEST_F(LoopTest, CancelsAReceiveThatIsOut) {
    std::array<char, 16> memory{};
    int result = 0;
    TaskGroup group;
    group.start(receive_into(*loop_, in_, here_.get(), memory, result));
    loop_->run_once(1);
    in_.current->cancel();
    run(group);
    EXPECT_EQ(result, -ECANCELED);
}

TEST_F(LoopTest, SendsMoreThanTheSocketBufferHolds) {
    const std::string bytes(8 << 20, 'z');
    int result = 0;
    TaskGroup group;
    std::size_t read = 0;
    std::thread reader([&] {
        std::string memory(65536, 0);
        for (ssize_t got = 1; got > 0 && read < bytes.size(); read += static_cast<std::size_t>(got)) {
            got = ::read(there_.get(), memory.data(), memory.size());
        }
    });
    group.start(send_all(*loop_, out_, here_.get(), bytes, result));
    run(group);
    reader.join();
    EXPECT_EQ(result, static_cast<int>(bytes.size()));
    EXPECT_EQ(read, bytes.size());
}

TEST_F(LoopTest, SleepsForAtLeastTheTimeAskedFor) {
    int result = -1;
    TaskGroup group;
    const Tick begun = steady_now();
    group.start(sleep_until(*loop_, in_, loop_->now() + 30, result));
    run(group);
    EXPECT_EQ(result, 0);
    EXPECT_GE(steady_now() - begun, 29U);
}

TEST_F(LoopTest, WakesACancelledSleeper) {
    int result = 0;
    TaskGroup group;
    group.start(sleep_until(*loop_, in_, loop_->now() + 3'600'000, result));
    in_.current->cancel();
    run(group);
    EXPECT_EQ(result, -ECANCELED);
}

TEST_F(LoopTest, RunsAMillionChildrenThatEndAtOnceWithoutGrowingTheStack) {
    int sum = 0;
    TaskGroup group;
    group.start(count_up(1'000'000, sum));
    EXPECT_TRUE(group.empty());
    EXPECT_EQ(sum, 1'000'000);
}

TEST_F(LoopTest, DeliversLettersFromOtherThreadsInOrder) {
    Mailbox mailbox;
    mailbox.attach(*loop_);
    std::string got;
    std::thread writer([&] {
        for (char c = 'a'; c <= 'z'; ++c) {
            mailbox.post([&got, c] { got += c; });
        }
    });
    loop_->run_until([&] { return got.size() == 26; });
    writer.join();
    EXPECT_EQ(got, "abcdefghijklmnopqrstuvwxyz");
    mailbox.detach();
    loop_->run_until([&] { return mailbox.idle() && loop_->pending() == 0; });
}

TEST_F(LoopTest, DeliversACompletionThatComesAloneWhileMuchIsInFlight) {
    std::vector<Flight> flights;
    for (int i = 0; i < 100; ++i) {
        flights.emplace_back(*loop_);
    }
    for (int i = 0; i < 10; ++i) {
        std::array<char, 16> memory{};
        int result = 0;
        TaskGroup group;
        group.start(receive_into(*loop_, in_, here_.get(), memory, result));
        ASSERT_EQ(::write(there_.get(), "alone", 5), 5);
        run(group);
        EXPECT_EQ(result, 5);
    }
}

TEST_F(LoopTest, LeavesNoTimerWaitingWhileMuchIsInFlight) {
    std::vector<Flight> flights;
    for (int i = 0; i < 100; ++i) {
        flights.emplace_back(*loop_);
    }
    int result = -1;
    TaskGroup group;
    group.start(sleep_until(*loop_, in_, loop_->now() + 5, result));
    run(group);
    EXPECT_EQ(result, 0);
}

TEST_F(LoopTest, AFlightMayBeMovedAndIsCountedOnce) {
    Flight flight(*loop_);
    Flight other(std::move(flight));
    flight = Flight(*loop_);
    flight = Flight();
    other = std::move(flight);
    // With none left the loop waits for the first completion, without a limit.
    int result = -1;
    TaskGroup group;
    group.start(sleep_until(*loop_, in_, loop_->now() + 5, result));
    run(group);
    EXPECT_EQ(result, 0);
}

// Of the whole machine.
unsigned tasks_in_iowait() {
    std::ifstream file("/proc/stat");
    for (std::string name; file >> name;) {
        if (unsigned count = 0; name == "procs_blocked" && file >> count) {
            return count;
        }
    }
    return 0;
}

TEST_F(LoopTest, ThatWaitsIsIdleAndNotWaitingForADisk) {
    if (!loop_->waits_quietly()) {
        GTEST_SKIP() << "needs Linux 6.15";
    }
    constexpr unsigned many = 40;
    std::vector<std::thread> threads;
    std::vector<base::Descriptor> ends;
    for (unsigned number = 0; number < many; ++number) {
        auto [near, far] = tests::socket_pair();
        ends.push_back(std::move(far));
        threads.emplace_back([near = std::move(near)] {
            auto loop = Loop::create({.buffers = {.count = 4, .size = 1024, .published = 2}});
            ASSERT_TRUE(loop) << loop.error().line();
            OperationSlot slot;
            std::string memory(10, '\0');
            int result = -1;
            TaskGroup group;
            group.start(receive_into(**loop, slot, near.get(), memory, result));
            (*loop)->run_until([&] { return group.empty(); });
            EXPECT_EQ(result, 3);
        });
    }
    // The median of many reads: the machine's own disk waits end, and a loop wakes up now and then.
    ::usleep(300'000);  // by then all of them wait
    std::vector<unsigned> looks;
    for (int look = 0; look < 101; ++look) {
        ::usleep(7'000);
        looks.push_back(tasks_in_iowait());
    }
    std::nth_element(looks.begin(), looks.begin() + 50, looks.end());
    EXPECT_LT(looks[50], many / 2);
    for (const base::Descriptor& end : ends) {
        EXPECT_EQ(::write(end.get(), "end", 3), 3);
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
}

TEST_F(LoopTest, RefusesOperationsThatAreNotOnItsList) {
    struct Holder : Completion {
        Holder() : Completion([](Completion& self, int r, std::uint32_t) { static_cast<Holder&>(self).result = r; }) {}
        int result = 0;
    } holder;
    io_uring_sqe* sqe = loop_->entry(holder);
    io_uring_prep_openat(sqe, AT_FDCWD, "/etc/passwd", O_RDONLY, 0);
    io_uring_sqe_set_data(sqe, static_cast<Completion*>(&holder));
    loop_->run_until([&] { return holder.result != 0; });
    EXPECT_EQ(holder.result, -EACCES);
}

}  // namespace
}  // namespace core::io
