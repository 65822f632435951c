// Cage: tries, inside the sandbox of each role, what no role may do there. `gatehouse --cage` runs it on a machine; the
// image has no other program for it. The tests run it on each build.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "appliance/boot/role.hpp"
#include "core/base/result.hpp"
#include "core/io/loop.hpp"

namespace appliance::boot {

struct Attempt {
    std::string what;
    bool refused = false;
    std::string found{};  // where it was not refused: what the kernel said
};

// What the attempts are made on.
struct Surroundings {
    pid_t other = 0;                 // a process that is not the caller
    int pipe = -1;                   // an open descriptor
    core::io::Loop* loop = nullptr;  // the proxy: a ring like those of its workers, made by the calling thread
};

// All attempts, in the calling thread, which is inside of the role's whole sandbox. Refused is EPERM or EACCES, for a
// call that is to look missing ENOSYS. What is let through does no harm: the arguments make nothing of it.
std::vector<Attempt> try_calls(Role role, const Surroundings& around);
// Every operation and every flag of a ring entry that core/io does not use.
std::vector<Attempt> try_ring(core::io::Loop& loop);

// Forks, becomes the account's and enters the role's sandbox on the way that the product takes (the proxy: with a ring
// and a thread that were there before its second filter), and tries all of it there. For a process with one thread.
// Errors: no such sandbox on this kernel, or the child did not come to its end.
core::Result<std::vector<Attempt>> try_cage(Role role, const Account& account);

bool is_cage(int argc, const char* const* argv) noexcept;
// Tries all roles and prints what was not refused, and how much was. Exit code 0: all was refused; 1: something was
// not, or could not be tried.
int run_cage();

}  // namespace appliance::boot
