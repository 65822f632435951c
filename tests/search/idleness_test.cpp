#include "tests/search/idleness.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <thread>

namespace tests::search {
namespace {

bool comes_to_rest(Idleness& idleness) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (std::chrono::steady_clock::now() < deadline) {
        if (idleness.all_idle()) {
            return true;
        }
    }
    return false;
}

TEST(Idleness, IsSeenAlsoAfterTheProcessWasStopped) {
    Idleness idleness;
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe(ends.data()), 0);
    std::thread waiting([&ends] {
        pollfd entry{ends[0], POLLIN, 0};
        ::poll(&entry, 1, -1);
    });
    EXPECT_TRUE(comes_to_rest(idleness));
    ASSERT_EQ(std::system("kill -STOP $PPID; sleep 0.2; kill -CONT $PPID"), 0);
    EXPECT_TRUE(comes_to_rest(idleness)) << idleness.print();
    EXPECT_EQ(::write(ends[1], "x", 1), 1);
    waiting.join();
    ::close(ends[0]);
    ::close(ends[1]);
}

}  // namespace
}  // namespace tests::search
