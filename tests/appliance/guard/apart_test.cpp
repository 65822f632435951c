// The process apart: what it says comes back whole, and whatever becomes of it, we go on.
#include "appliance/guard/apart.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <unistd.h>

#include <future>

namespace appliance::guard {
namespace {

using testing::HasSubstr;

std::mutex& idle() {
    static std::mutex mutex;
    return mutex;
}

TEST(Apart, AnswersUpToTheLimitAndNotOneByteMore) {
    EXPECT_EQ(apart([] { return std::string(); }, idle()).value(), "");
    EXPECT_EQ(apart([] { return std::string(apart_answer_max, 'x'); }, idle())->size(), apart_answer_max);
    EXPECT_THAT(apart([] { return std::string(apart_answer_max + 1, 'x'); }, idle()).error().line(),
                HasSubstr("more than 16 MiB"));
}

TEST(Apart, ACrashIsAnError) {
    const auto crashed = apart(
        [] {
            ::signal(SIGSEGV, SIG_DFL);
            ::raise(SIGSEGV);
            return std::string("never");
        },
        idle());
    ASSERT_FALSE(crashed.has_value());
    EXPECT_THAT(crashed.error().line(), HasSubstr("crashed: Segmentation fault"));
}

TEST(Apart, AnEndlessLoopIsAnError) {
    const auto endless = apart(
        [] {
            volatile bool on = true;
            while (on) {
            }
            return std::string("never");
        },
        idle());
    EXPECT_THAT(endless.error().line(), HasSubstr("took too long"));
}

TEST(Apart, HasNothingOpenOfOurs) {
    const int ours = ::open("/dev/null", O_RDONLY);
    const int last = ::fcntl(ours, F_DUPFD, 500);
    const auto open = apart(
        [last] {
            std::string all;
            for (int fd = STDERR_FILENO + 2; fd <= last; ++fd) {
                all += ::fcntl(fd, F_GETFD) >= 0 ? std::to_string(fd) + " " : "";
            }
            return all;
        },
        idle());
    EXPECT_EQ(open.value(), "");
    ::close(ours);
    ::close(last);
}

TEST(Apart, SeveralAtOnceDoNotHoldEachOthersPipes) {
#ifdef __SANITIZE_ADDRESS__
    GTEST_SKIP() << "a sanitized build: g++ 12's allocator there does not survive a fork beside other threads";
#endif
    std::vector<std::future<std::string>> all;
    for (int i = 0; i < 8; ++i) {
        all.push_back(std::async(std::launch::async, [i] {
            return apart([i] { return std::string(100'000, static_cast<char>('a' + i)); }, idle()).value();
        }));
    }
    for (int i = 0; i < 8; ++i) {
        EXPECT_EQ(all[static_cast<std::size_t>(i)].get(), std::string(100'000, static_cast<char>('a' + i)));
    }
}

}  // namespace
}  // namespace appliance::guard
