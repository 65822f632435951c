#include "tests/search/idleness.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <thread>
#include <vector>

#include "core/base/verify.hpp"

namespace tests::search {
namespace {

constexpr unsigned eager_looks = 50;
constexpr long pause_ns = 20'000;

std::vector<pid_t> list(int folder) {
    std::vector<pid_t> all;
    alignas(16) std::array<char, 8192> buffer{};
    ::lseek(folder, 0, SEEK_SET);
    for (;;) {
        const long got = ::syscall(SYS_getdents64, folder, buffer.data(), buffer.size());
        if (got <= 0) {
            return all;
        }
        for (long at = 0; at < got;) {
            const auto* const entry = reinterpret_cast<const dirent64*>(buffer.data() + at);
            if (entry->d_name[0] != '.') {
                all.push_back(static_cast<pid_t>(std::strtol(entry->d_name, nullptr, 10)));
            }
            at += entry->d_reclen;
        }
    }
}

// As /proc/PID/syscall has them: its number, and its arguments.
struct Call {
    long number = -1;
    std::array<std::uint64_t, 6> arguments{};
};

// "running", or the call's number in decimal and its arguments in hexadecimal. Number -1: blocked outside of a call.
Call parse(const char* text) {
    Call call;
    char* rest = nullptr;
    call.number = std::strtol(text, &rest, 10);
    if (rest == text) {
        return Call{};
    }
    for (std::uint64_t& each : call.arguments) {
        each = std::strtoull(rest, &rest, 16);
    }
    return call;
}

// Whether only another thread can end that call. A call that a kernel timer or a disk ends counts as work.
bool waits(const Call& call) {
    switch (call.number) {
        case SYS_futex: {
            const std::uint64_t command = call.arguments[1] & FUTEX_CMD_MASK;
            return (command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET) && call.arguments[3] == 0;
        }
#ifdef SYS_poll
        case SYS_poll:
            return static_cast<int>(call.arguments[2]) < 0;
#endif
        // The number of an endless poll(2) after the process was stopped and continued.
        case SYS_restart_syscall:
            return static_cast<int>(call.arguments[2]) < 0;
        case SYS_ppoll:
            return call.arguments[2] == 0;
        case SYS_recvfrom:
        case SYS_recvmsg:
        case SYS_read:
        case SYS_accept4:
            return true;
        default:
            return false;
    }
}

}  // namespace

Idleness::Idleness() : folder_(::open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    std::thread([] {}).join();  // ThreadSanitizer begins a thread of its own, which sleeps, with the first of ours
    for (const pid_t id : list(folder_.get())) {
        if (id != ::gettid()) {
            strangers_.insert(id);
        }
    }
}

// Blocked in both looks, and not run between them. So all were blocked at the moment between the two.
bool Idleness::all_idle() {
    if (look(false) && look(true)) {
        busy_ = 0;
        return true;
    }
    if (++busy_ < eager_looks) {
        ::sched_yield();
    } else {
        const timespec pause{0, pause_ns};
        ::nanosleep(&pause, nullptr);
    }
    return false;
}

std::string Idleness::print() const {
    std::string text;
    for (const auto& [id, task] : tasks_) {
        std::array<char, 256> call{};
        static_cast<void>(::pread(task.call.get(), call.data(), call.size() - 1, 0) > 0);
        text += fmt::format("{}: {}", id, call.data());
    }
    return text;
}

bool Idleness::look(bool again) {
    const std::vector<pid_t> present = list(folder_.get());
    if (!again) {
        std::erase_if(tasks_, [&present](const auto& each) {
            return std::find(present.begin(), present.end(), each.first) == present.end();
        });
    }
    const pid_t own = ::gettid();
    for (const pid_t id : present) {
        if (id == own || strangers_.contains(id)) {
            continue;
        }
        const auto found = tasks_.find(id);
        if (again && found == tasks_.end()) {
            return false;  // it began between the two
        }
        if (!look_at(id, found == tasks_.end() ? tasks_[id] : found->second, again)) {
            return false;
        }
    }
    return true;
}

bool Idleness::look_at(pid_t id, Task& task, bool again) {
    if (!task.call.valid()) {
        task.call.reset(::openat(folder_.get(), fmt::format("{}/syscall", id).c_str(), O_RDONLY | O_CLOEXEC));
        task.runs.reset(::openat(folder_.get(), fmt::format("{}/schedstat", id).c_str(), O_RDONLY | O_CLOEXEC));
    }
    std::array<char, 256> text{};
    const ssize_t got = ::pread(task.call.get(), text.data(), text.size() - 1, 0);
    if (got <= 0) {
        tasks_.erase(id);  // it has ended; an id may be another thread's by now
        return false;
    }
    if (!waits(parse(text.data()))) {
        return false;
    }
    text.fill(0);
    if (::pread(task.runs.get(), text.data(), text.size() - 1, 0) <= 0) {
        tasks_.erase(id);
        return false;
    }
    // Nanoseconds run, nanoseconds waited, how often it was given a processor.
    char* rest = nullptr;
    std::strtoull(text.data(), &rest, 10);
    std::strtoull(rest, &rest, 10);
    const std::uint64_t runs = std::strtoull(rest, nullptr, 10);
    const bool same = runs == task.seen;
    task.seen = runs;
    return !again || same;
}

}  // namespace tests::search
