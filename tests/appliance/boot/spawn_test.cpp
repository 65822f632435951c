#include "appliance/boot/process/spawn.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "appliance/link/first_words.hpp"

namespace appliance::boot {
namespace {

struct Ended {
    int status = 0;
    std::string words;
};

Ended run(const std::string& path, const std::vector<std::string>& arguments, std::span<const int> fds = {}) {
    auto words = link::FirstWords::make();
    EXPECT_TRUE(words.has_value());
    const auto pid = spawn(arguments, fds, {.path = path, .errors = words->child_end()});
    EXPECT_TRUE(pid.has_value());
    Ended ended;
    EXPECT_EQ(::waitpid(*pid, &ended.status, 0), *pid);
    ended.words = words->take();
    return ended;
}

TEST(Spawn, TellsWhyAProgramCannotBeExecuted) {
    const Ended missing = run("/nonexistent/gatehouse", {});
    EXPECT_EQ(WEXITSTATUS(missing.status), 127);
    EXPECT_EQ(missing.words.find("gatehouse: it cannot be executed: No such file or directory; "), 0U) << missing.words;
    const Ended folder = run("/", {});
    EXPECT_EQ(folder.words, "gatehouse: it cannot be executed: Permission denied\n");
}

TEST(Spawn, TellsWhatTheLoaderSays) {
    const Ended ended = run("/bin/sh", {"-c", "echo 'libfmt.so.9: cannot open' >&2; exit 127"});
    EXPECT_EQ(ended.words, "libfmt.so.9: cannot open\n");
}

TEST(Spawn, NeedsFewDescriptorsAndTellsWhichLimitIsTooLow) {
    const pid_t child = ::fork();
    if (child == 0) {
        const std::array<int, 3> fds{STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO};
        const rlimit enough{64, 64};
        ::setrlimit(RLIMIT_NOFILE, &enough);
        const bool works = run("/bin/sh", {"-c", "exit 0"}, fds).status == 0;
        auto words = link::FirstWords::make();
        const rlimit low{6, 6};
        ::setrlimit(RLIMIT_NOFILE, &low);
        const auto pid = spawn({}, fds, {.path = "/bin/sh", .errors = words->child_end()});
        int status = 0;
        ::waitpid(*pid, &status, 0);
        const bool told = words->take().find("LimitNOFILE=") != std::string::npos;
        ::_exit((works ? 0 : 1) + (told && WEXITSTATUS(status) == 127 ? 0 : 2));
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(Spawn, LetsTheChildIgnoreWhatTheSupervisorTakes) {
    const Ended ended = run("/bin/sh", {"-c",
                                        "for s in HUP INT QUIT TERM USR1 USR2 ALRM PIPE PROF VTALRM IO; do "
                                        "kill -$s $$; done; kill -36 $$; exit 3"});
    ASSERT_TRUE(WIFEXITED(ended.status)) << describe_exit(ended.status);
    EXPECT_EQ(WEXITSTATUS(ended.status), 3);
}

}  // namespace
}  // namespace appliance::boot
