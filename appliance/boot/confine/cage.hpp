// Cage: tries, inside the sandbox of each role, what no role may do there. `gatehouse --cage` runs it on a machine; the
// image has no other program for it. The tests run it on each build.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "appliance/boot/confine/role.hpp"
#include "core/base/result.hpp"
#include "core/io/loop.hpp"

namespace appliance::boot {

struct Attempt {
    std::string what;
    bool refused = false;
    std::string found{};  // the kernel's answer, where it was not refused
};

// What the attempts are made on.
struct Surroundings {
    pid_t other = 0;                 // a process that is not the caller
    int pipe = -1;                   // an open descriptor
    core::io::Loop* loop = nullptr;  // the proxy: a ring like those of its workers, made by the calling thread
};

// Makes all attempts in the calling thread, inside the role's whole sandbox. Refused means EPERM or EACCES, or ENOSYS
// for a call that must look missing. A call that is allowed does no harm: its arguments are invalid.
std::vector<Attempt> try_calls(Role role, const Surroundings& around);
// Every operation and every flag of a ring entry that core/io does not use.
std::vector<Attempt> try_ring(core::io::Loop& loop);

// Forks, takes the account, enters the role's sandbox as the product does, and makes all attempts there. The proxy's
// has a ring and a thread from before its second filter. For a process with one thread. Errors: no such sandbox on this
// kernel, or the child died early.
core::Result<std::vector<Attempt>> try_cage(Role role, const Account& account);

bool is_cage(int argc, const char* const* argv) noexcept;
// Tries all roles. Prints what was not refused, and how many attempts were. Exit code 0: all were refused. 1: one was
// not, or could not be made.
int run_cage();

}  // namespace appliance::boot
