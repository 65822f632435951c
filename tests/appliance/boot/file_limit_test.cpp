#include "appliance/boot/process/file_limit.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace appliance::boot {
namespace {

// The exit code of a process of its own with that limit, which no other test is to have.
template <typename Work>
int with_limit(rlim_t files, Work work) {
    const pid_t child = ::fork();
    if (child == 0) {
        const rlimit limit{files, files};
        ::_exit(::setrlimit(RLIMIT_NOFILE, &limit) == 0 ? work() : 99);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WEXITSTATUS(status);
}

config::Config two_workers() {
    config::Config config;
    config.proxy.workers = 2;
    config.listeners.resize(3);
    return config;
}

TEST(FileLimit, IsEnoughAtWhatIsNeededAndTooLowBelow) {
    const auto needed = files_needed(two_workers(), sessions_least);
    EXPECT_GT(needed, files_needed());
    const auto check = [needed] { return check_file_limit(needed) ? 0 : 1; };
    EXPECT_EQ(with_limit(needed, check), 0);
    EXPECT_EQ(with_limit(needed - 1, check), 1);
}

TEST(FileLimit, RefusesWithTheNumbersAndTheRemedy) {
    EXPECT_EQ(with_limit(100,
                         [] {
                             const auto line = check_file_limit(101).error().line();
                             const bool told = line.find("is 100, and at least 101 are needed") != std::string::npos &&
                                               line.find("LimitNOFILE=") != std::string::npos &&
                                               line.find("ulimit -n") != std::string::npos;
                             return told ? 0 : 1;
                         }),
              0);
}

TEST(FileLimit, TellsForHowManySessionsThereIsRoomWhereThatIsLittle) {
    auto config = two_workers();
    const auto usual = files_needed(config, sessions_usual);
    EXPECT_EQ(with_limit(usual, [&config] { return static_cast<int>(sessions_short(config)); }), 0);
    EXPECT_EQ(with_limit(files_needed(config, 57), [&config] { return static_cast<int>(sessions_short(config)); }), 57);
    config.limits.sessions = 57;
    EXPECT_EQ(with_limit(files_needed(config, 57), [&config] { return static_cast<int>(sessions_short(config)); }), 0);
}

TEST(FileLimit, IsRaisedToTheHardLimitAtLeast) {
    const pid_t child = ::fork();
    if (child == 0) {
        const rlimit low{64, 512};
        ::setrlimit(RLIMIT_NOFILE, &low);
        raise_file_limit();
        rlimit raised{};
        ::getrlimit(RLIMIT_NOFILE, &raised);
        ::_exit(raised.rlim_cur >= 512 ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace appliance::boot
