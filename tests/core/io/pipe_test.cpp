// Pipes on loan: their sizes, the number of large ones, and which return to the pool.
#include "core/io/pipe.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <vector>

namespace core::io {
namespace {

std::size_t size_of(const PipeLoan& loan) {
    return static_cast<std::size_t>(::fcntl(loan->in.get(), F_GETPIPE_SZ));
}

class PipeTest : public testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0) {
            GTEST_SKIP() << "needs root: its share of pipe memory has no limit";
        }
    }
    PipePool pool_;
};

TEST_F(PipeTest, IsAsLargeAsItSays) {
    PipeLoan loan = pool_.take();
    ASSERT_TRUE(loan.valid());
    EXPECT_EQ(loan->capacity, PipePool::capacity_wanted);
    EXPECT_EQ(size_of(loan), PipePool::capacity_wanted);
    loan.grow();
    EXPECT_EQ(loan->capacity, PipePool::capacity_large);
    EXPECT_EQ(size_of(loan), PipePool::capacity_large);
}

TEST_F(PipeTest, AnEmptyOneComesBackAndAFullOneIsClosed) {
    int fd = -1;
    {
        const PipeLoan loan = pool_.take();
        fd = loan->in.get();
    }
    EXPECT_EQ(pool_.kept(), 1U);
    {
        const PipeLoan loan = pool_.take();
        EXPECT_EQ(loan->in.get(), fd);
        EXPECT_EQ(pool_.kept(), 0U);
        loan->filled = 1;
    }
    EXPECT_EQ(pool_.kept(), 0U);
    EXPECT_EQ(::fcntl(fd, F_GETFD), -1) << "no other session may see its bytes";
}

TEST_F(PipeTest, OnlySoManyGrow) {
    std::vector<PipeLoan> loans;
    for (unsigned i = 0; i < PipePool::large_max + 1; ++i) {
        loans.push_back(pool_.take());
        ASSERT_TRUE(loans.back().valid());
        loans.back().grow();
    }
    EXPECT_EQ(loans[PipePool::large_max - 1]->capacity, PipePool::capacity_large);
    EXPECT_EQ(loans[PipePool::large_max]->capacity, PipePool::capacity_wanted);
    // A closed pipe makes room for another.
    loans.front()->filled = 1;
    loans.erase(loans.begin());
    loans.back().grow();
    EXPECT_EQ(loans.back()->capacity, PipePool::capacity_large);
}

TEST_F(PipeTest, ALargeOneStaysLargeAndIsCountedOnce) {
    for (unsigned i = 0; i < 3 * PipePool::large_max; ++i) {
        PipeLoan loan = pool_.take();
        loan.grow();
        loan.grow();
        EXPECT_EQ(loan->capacity, PipePool::capacity_large);
    }
    EXPECT_EQ(pool_.kept(), 1U);
}

}  // namespace
}  // namespace core::io
