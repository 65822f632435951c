#include "appliance/guard/apart.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "core/base/descriptor.hpp"

namespace appliance::guard {
namespace {

using core::base::Descriptor;

constexpr int answer_fd = STDERR_FILENO + 1;

// Only 0 to 2 and output, as answer_fd, stay open: a lock, a socket or a database in a second process is no longer ours
// alone. dup3, because the sandbox knows no dup2.
bool forget_descriptors(int output) {
    const bool moved = output == answer_fd || ::dup3(output, answer_fd, 0) == answer_fd;
    return moved && ::close_range(answer_fd + 1, ~0U, 0) == 0;
}

[[noreturn]] void work_and_end(const std::function<std::string()>& work, int output) {
    const auto seconds = static_cast<rlim_t>(apart_max.count());
    const rlimit time{seconds, seconds};
    const rlimit no_core{0, 0};
    if (!forget_descriptors(output) || ::setrlimit(RLIMIT_CPU, &time) != 0 || ::setrlimit(RLIMIT_CORE, &no_core) != 0) {
        ::_exit(EXIT_FAILURE);
    }
    const std::string answer = work();
    for (std::size_t at = 0; at < answer.size();) {
        const ssize_t sent = ::write(answer_fd, answer.data() + at, answer.size() - at);
        if (sent < 0 && errno != EINTR) {
            ::_exit(EXIT_FAILURE);
        }
        at += static_cast<std::size_t>(std::max<ssize_t>(sent, 0));
    }
    ::_exit(EXIT_SUCCESS);
}

// Until the other end is closed. False: it was not in time, or said too much.
bool read_all(int input, std::string& answer) {
    const auto limit = std::chrono::steady_clock::now() + 10 * apart_max;
    std::array<char, 65536> buffer;
    while (answer.size() <= apart_answer_max) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(limit - std::chrono::steady_clock::now());
        pollfd entry{input, POLLIN, 0};
        const int ready = left.count() <= 0 ? 0 : ::poll(&entry, 1, static_cast<int>(left.count()));
        if (ready < 0 && errno == EINTR) {
            continue;
        }
        const ssize_t got = ready <= 0 ? -1 : ::read(input, buffer.data(), buffer.size());
        if (got <= 0) {
            return got == 0;
        }
        answer.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return false;
}

int wait_for(pid_t child) {
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

}  // namespace

core::Result<std::string> apart(const std::function<std::string()>& work, std::mutex& guards) {
    std::array<int, 2> pipe{-1, -1};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0) {
        return core::fail_os("no pipe to be had", errno);
    }
    const Descriptor input(pipe[0]);
    Descriptor output(pipe[1]);
    std::unique_lock lock(guards);
    const pid_t child = ::fork();
    if (child == 0) {
        work_and_end(work, output.get());
    }
    lock.unlock();
    if (child < 0) {
        return core::fail_os("no process to be had", errno);
    }
    output.reset();
    std::string answer;
    const bool whole = read_all(input.get(), answer);
    if (!whole) {
        // To its only thread: unlike kill(2), the sandbox allows this one.
        ::syscall(SYS_tgkill, child, child, SIGKILL);
    }
    const int status = wait_for(child);
    if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL) {
        return core::fail("reading it crashed", ::strsignal(WTERMSIG(status)));
    }
    if (!whole && answer.size() > apart_answer_max) {
        return core::fail("it says too much", "more than 16 MiB");
    }
    if (!whole || WIFSIGNALED(status)) {
        return core::fail("reading it took too long");
    }
    if (WEXITSTATUS(status) != EXIT_SUCCESS) {
        return core::fail("reading it failed");
    }
    return answer;
}

}  // namespace appliance::guard
