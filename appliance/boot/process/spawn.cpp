#include "appliance/boot/process/spawn.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "appliance/boot/process/signals.hpp"
#include "core/base/verify.hpp"

namespace appliance::boot {
namespace {

constexpr std::size_t fds_max = 8;

// Prints the reason and ends the process. As in become(), only calls that are safe in a child.
[[noreturn]] void fail_to_become(int error) {
    const char* why = ::strerrordesc_np(error);
    const char* mend = error == EMFILE || error == EINVAL ? "; raise the limit of open files (LimitNOFILE=, ulimit -n)"
                       : error == ENOENT                  ? "; gatehouse needs /proc, and the program's own file"
                                                          : "";
    for (const char* part :
         {"gatehouse: it cannot be executed: ", why != nullptr ? why : "unknown error", mend, "\n"}) {
        if (::write(STDERR_FILENO, part, std::strlen(part)) < 0) {
            break;  // standard error is closed
        }
    }
    ::_exit(127);
}

// Runs between fork and exec: only calls that are safe there (signal-safety(7)), no memory from the heap.
[[noreturn]] void become(const Program& program, char* const* arguments, std::span<const int> fds) {
    std::array<int, fds_max> moved{};
    int error = 0;
    for (std::size_t i = 0; i < fds.size(); ++i) {
        // Moves the sources first: one may have the target's number of another.
        moved[i] = ::fcntl(fds[i], F_DUPFD_CLOEXEC, 3 + static_cast<int>(fds.size()));
        error = moved[i] < 0 ? errno : error;
    }
    const std::optional<int>& errors = program.errors ? program.errors : program.output;
    if ((errors && ::dup2(*errors, STDERR_FILENO) < 0) ||
        (program.output && ::dup2(*program.output, STDOUT_FILENO) < 0)) {
        fail_to_become(errno);
    }
    for (std::size_t i = 0; error == 0 && i < fds.size(); ++i) {
        error = ::dup2(moved[i], 3 + static_cast<int>(i)) < 0 ? errno : 0;
    }
    if (error != 0) {
        fail_to_become(error);
    }
    ::close_range(3 + static_cast<unsigned>(fds.size()), ~0U, 0);
    ::setpgid(0, 0);
    ignore_signals();
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::execv(program.path.c_str(), arguments);
    fail_to_become(errno);
}

}  // namespace

core::Result<pid_t> spawn(const std::vector<std::string>& arguments, std::span<const int> fds, const Program& program) {
    VERIFY(fds.size() <= fds_max);
    std::vector<char*> pointers;
    std::string name = "gatehouse";
    pointers.push_back(name.data());
    for (const std::string& argument : arguments) {
        pointers.push_back(const_cast<char*>(argument.c_str()));
    }
    pointers.push_back(nullptr);
    const pid_t pid = ::fork();
    if (pid < 0) {
        return core::fail_os("cannot start another process", errno);
    }
    if (pid == 0) {
        become(program, pointers.data(), fds);
    }
    return pid;
}

std::string describe_exit(int status) {
    if (WIFSIGNALED(status)) {
        const int number = WTERMSIG(status);
        return "signal " + std::to_string(number) + " (" + ::strsignal(number) + ")";
    }
    return "exit code " + std::to_string(WEXITSTATUS(status));
}

std::string mend_for_exit(int status) {
    if (!WIFSIGNALED(status)) {
        return "";
    }
    switch (WTERMSIG(status)) {
        case SIGSYS:
            return "; a seccomp profile of the container or the unit (SystemCallFilter=) forbids a system call it "
                   "needs";
        case SIGKILL:
            return "; see the kernel's log (dmesg) whether memory ran out";
        default:
            return "; please report this as a bug";
    }
}

}  // namespace appliance::boot
