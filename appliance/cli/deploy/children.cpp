#include "appliance/cli/deploy/children.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace appliance::cli {
namespace {

constexpr std::chrono::seconds mercy{5};
constexpr std::chrono::milliseconds closing_look{10};
constexpr int parent_died = SIGUSR1;

// Between fork and exec: only what is safe there.
[[noreturn]] void become_command(const char* command, char* const* environment, pid_t keeper) {
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    // A shell starts with the signals as they were before we changed them.
    for (const int changed : {SIGPIPE, SIGINT, SIGTSTP, SIGTTOU}) {
        ::signal(changed, SIG_DFL);
    }
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != keeper) {
        ::_exit(127);
    }
    const std::array<const char*, 4> arguments{"sh", "-c", command, nullptr};
    ::execve("/bin/sh", const_cast<char* const*>(arguments.data()), environment);
    ::_exit(127);
}

// Waits for the command, and ends its group if the command line dies before it.
[[noreturn]] void keep(pid_t command, const sigset_t& awaited) {
    for (;;) {
        const int signal = ::sigwaitinfo(&awaited, nullptr);
        int status = 0;
        if (::waitpid(command, &status, WNOHANG) == command) {
            ::_exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
        }
        if (signal == parent_died) {
            ::kill(0, SIGTERM);  // the keeper has blocked it
            const timespec patience{mercy.count(), 0};
            sigset_t ended;
            ::sigemptyset(&ended);
            ::sigaddset(&ended, SIGCHLD);
            ::sigtimedwait(&ended, nullptr, &patience);
            ::kill(0, SIGKILL);
        }
    }
}

// In the child: only what is safe after a fork.
[[noreturn]] void become_keeper(const char* command, int output, char* const* environment, pid_t parent) {
    ::setpgid(0, 0);
    sigset_t awaited;
    ::sigfillset(&awaited);
    ::sigprocmask(SIG_BLOCK, &awaited, nullptr);
    ::signal(SIGCHLD, SIG_DFL);
    ::prctl(PR_SET_PDEATHSIG, parent_died);
    if (::getppid() != parent) {
        ::_exit(127);
    }
    const int null = ::open("/dev/null", O_RDONLY);
    ::dup2(null, STDIN_FILENO);
    ::dup2(output, STDOUT_FILENO);
    ::dup2(output, STDERR_FILENO);
    ::close_range(STDERR_FILENO + 1, ~0U, 0);
    const pid_t keeper = ::getpid();
    const pid_t pid = ::fork();
    if (pid == 0) {
        become_command(command, environment, keeper);
    }
    // The output ends with the command.
    ::close_range(STDIN_FILENO, ~0U, 0);
    if (pid < 0) {
        ::_exit(127);
    }
    keep(pid, awaited);
}

}  // namespace

Children::~Children() {
    for (auto& [step, child] : children_) {
        if (child.pid > 0) {
            ::kill(-child.pid, SIGKILL);
            ::waitpid(child.pid, nullptr, 0);
        }
    }
}

bool Children::start(unsigned step, const std::string& command, std::chrono::milliseconds limit,
                     const std::vector<std::string>& extra) {
    if (children_.contains(step)) {
        return false;
    }
    Child& child = children_[step];
    child.limit = Clock::now() + limit;
    std::array<int, 2> pipe{-1, -1};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0) {
        child.trouble = std::strerror(errno);
        return true;
    }
    child.output.reset(pipe[0]);
    const core::base::Descriptor write_end(pipe[1]);
    ::fcntl(pipe[0], F_SETFL, O_NONBLOCK);
    std::vector<char*> environment;
    for (char** word = environ; *word != nullptr; ++word) {
        environment.push_back(*word);
    }
    std::transform(extra.begin(), extra.end(), std::back_inserter(environment),
                   [](const std::string& word) { return const_cast<char*>(word.c_str()); });
    environment.push_back(nullptr);
    const pid_t self = ::getpid();
    child.pid = ::fork();
    if (child.pid == 0) {
        become_keeper(command.c_str(), write_end.get(), environment.data(), self);
    }
    if (child.pid < 0) {
        child.trouble = std::strerror(errno);
        return true;
    }
    ::setpgid(child.pid, child.pid);
    return true;
}

void Children::cancel(unsigned step, const std::string& why) {
    const auto found = children_.find(step);
    if (found != children_.end() && found->second.pid > 0 && !found->second.kill_at) {
        ::kill(-found->second.pid, SIGTERM);
        found->second.cancelled = why;
        found->second.kill_at = Clock::now() + mercy;
    }
}

void Children::end_all(const std::string& why, std::chrono::milliseconds mercy_now, std::vector<Output>& outputs,
                       std::vector<Ended>& ended) {
    const auto last = Clock::now() + mercy_now;
    for (auto& [step, child] : children_) {
        cancel(step, why);
        child.kill_at = std::min(child.kill_at.value_or(last), last);
    }
    while (!children_.empty()) {
        collect(closing_look, outputs, ended);
    }
}

void Children::look_at_time(unsigned step, Child& child) {
    if (child.pid > 0 && Clock::now() >= child.limit) {
        cancel(step, "it took longer than run_timeout");
    }
    if (child.pid > 0 && child.kill_at && Clock::now() >= *child.kill_at) {
        ::kill(-child.pid, SIGKILL);
    }
}

void Children::read(Child& child) {
    std::array<char, 8192> buffer;
    for (;;) {
        const ssize_t got = child.output.valid() ? ::read(child.output.get(), buffer.data(), buffer.size()) : 0;
        if (got <= 0) {
            if (got == 0 || errno != EAGAIN) {
                child.output.reset();
            }
            return;
        }
        if (child.unfinished.empty()) {
            child.begun = Clock::now();
        }
        child.unfinished.append(buffer.data(), static_cast<std::size_t>(got));
    }
}

// A shell writes one line in several pieces; an operator reads whole lines.
void Children::tell_lines(unsigned step, Child& child, bool last, std::vector<Output>& outputs) const {
    std::string& text = child.unfinished;
    const bool late = Clock::now() - child.begun >= line_patience_;
    const std::size_t whole = text.rfind('\n') + 1;  // npos + 1 is 0: no line has ended
    const bool all = last || late || text.size() - whole >= line_max;
    const std::size_t size = all ? text.size() : whole;
    if (size > 0) {
        outputs.push_back({step, text.substr(0, size)});
        text.erase(0, size);
        child.begun = Clock::now();
    }
}

void Children::collect(std::chrono::milliseconds patience, std::vector<Output>& outputs, std::vector<Ended>& ended) {
    std::vector<pollfd> entries;
    for (const auto& [step, child] : children_) {
        if (child.output.valid()) {
            entries.push_back({child.output.get(), POLLIN, 0});
        }
    }
    // A command that has closed its output mostly ends soon, and no descriptor tells when.
    const bool closing = entries.size() < children_.size();
    ::poll(entries.data(), entries.size(),
           static_cast<int>((closing ? std::min(patience, closing_look) : patience).count()));
    for (auto at = children_.begin(); at != children_.end();) {
        auto& [step, child] = *at;
        look_at_time(step, child);
        int status = 0;
        const bool runs = child.pid > 0 && ::waitpid(child.pid, &status, WNOHANG) == 0;
        read(child);
        tell_lines(step, child, !runs, outputs);
        if (runs) {
            ++at;
            continue;
        }
        const int code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
        ended.push_back({step, code, child.trouble.empty() ? child.cancelled : child.trouble});
        child.pid = 0;
        at = children_.erase(at);
    }
}

std::vector<unsigned> Children::running() const {
    std::vector<unsigned> steps;
    for (const auto& [step, child] : children_) {
        steps.push_back(step);
    }
    return steps;
}

}  // namespace appliance::cli
