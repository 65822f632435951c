#include "appliance/cli/children.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
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

// In the child, between fork and exec: only what is safe there.
[[noreturn]] void become(const char* command, int output, char* const* environment) {
    ::setpgid(0, 0);
    const int null = ::open("/dev/null", O_RDONLY);
    ::dup2(null, STDIN_FILENO);
    ::dup2(output, STDOUT_FILENO);
    ::dup2(output, STDERR_FILENO);
    // A shell starts with the signals as they were before we changed them.
    ::signal(SIGPIPE, SIG_DFL);
    ::signal(SIGINT, SIG_DFL);
    const std::array<const char*, 4> arguments{"sh", "-c", command, nullptr};
    ::execve("/bin/sh", const_cast<char* const*>(arguments.data()), environment);
    ::_exit(127);
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

void Children::start(unsigned step, const std::string& command, std::chrono::milliseconds limit,
                     const std::vector<std::string>& extra) {
    Child& child = children_[step];
    child.limit = Clock::now() + limit;
    std::array<int, 2> pipe{-1, -1};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0) {
        child.trouble = std::strerror(errno);
        return;
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
    child.pid = ::fork();
    if (child.pid == 0) {
        become(command.c_str(), write_end.get(), environment.data());
    }
    if (child.pid < 0) {
        child.trouble = std::strerror(errno);
        return;
    }
    ::setpgid(child.pid, child.pid);
}

void Children::cancel(unsigned step, const std::string& why) {
    const auto found = children_.find(step);
    if (found != children_.end() && found->second.pid > 0 && !found->second.kill_at) {
        ::kill(-found->second.pid, SIGTERM);
        found->second.cancelled = why;
        found->second.kill_at = Clock::now() + mercy;
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

void Children::read(unsigned step, Child& child, std::vector<Output>& outputs) {
    std::array<char, 8192> buffer;
    for (;;) {
        const ssize_t got = child.output.valid() ? ::read(child.output.get(), buffer.data(), buffer.size()) : 0;
        if (got <= 0) {
            if (got == 0 || errno != EAGAIN) {
                child.output.reset();
            }
            return;
        }
        outputs.push_back({step, std::string(buffer.data(), static_cast<std::size_t>(got))});
    }
}

void Children::collect(std::chrono::milliseconds patience, std::vector<Output>& outputs, std::vector<Ended>& ended) {
    std::vector<pollfd> entries;
    for (const auto& [step, child] : children_) {
        if (child.output.valid()) {
            entries.push_back({child.output.get(), POLLIN, 0});
        }
    }
    // What has closed its output ends in a moment, mostly, and no descriptor tells when.
    const bool closing = entries.size() < children_.size();
    ::poll(entries.data(), entries.size(),
           static_cast<int>((closing ? std::min(patience, closing_look) : patience).count()));
    for (auto at = children_.begin(); at != children_.end();) {
        auto& [step, child] = *at;
        look_at_time(step, child);
        read(step, child, outputs);
        int status = 0;
        if (child.pid > 0 && ::waitpid(child.pid, &status, WNOHANG) == 0) {
            ++at;
            continue;
        }
        read(step, child, outputs);
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
