// Idleness: whether every other thread of this process is blocked until another one, or a test's clock, wakes it.
// /proc/self/task shows each thread's system call, and how often it has run.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "core/base/descriptor.hpp"

namespace tests::search {

class Idleness {
public:
    // Ignores threads that exist already, except the caller: they are a sanitizer's.
    Idleness();

    // Blocks for a moment where it is not so. One thread, the same each time.
    bool all_idle();
    // What each thread is blocked in, as /proc/PID/task/TID/syscall has it.
    [[nodiscard]] std::string print() const;

private:
    struct Task {
        core::base::Descriptor call;  // in which system call it is
        core::base::Descriptor runs;
        std::uint64_t seen = 0;  // how often it had run
    };
    bool look(bool again);
    bool look_at(pid_t id, Task& task, bool again);

    core::base::Descriptor folder_;
    std::set<pid_t> strangers_;
    std::map<pid_t, Task> tasks_;
    unsigned busy_ = 0;  // looks in a row that found a thread at work
};

}  // namespace tests::search
