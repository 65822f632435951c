// Sandbox: what a child process can still ask of the kernel once it runs. A second wall behind the lost privileges: a
// proxy that has been taken over finds no file, no exec and no system call that it does not use itself.
#pragma once

#include <filesystem>
#include <vector>

#include "appliance/boot/confine/role.hpp"
#include "core/base/result.hpp"

namespace appliance::boot {

// Confines this thread and those it makes later, for good: Landlock where the kernel has it, then seccomp (whose list
// would no longer let Landlock be set up). folders: those that control may write to, as far as their modes let it;
// unused by the others. Does nothing in a sanitized build. Needs no_new_privs. Error: the kernel refused; the process
// must end then.
core::Result<void> confine(Role role, const std::vector<std::filesystem::path>& folders);

// Landlock alone: proxy and fence may open nothing in the file system, control reads anywhere and writes in folders
// (those that exist). The proxy may bind no TCP port (kernel 6.7). On a kernel without Landlock this is no error:
// Debian 12's has it, but an operator may have taken it out of lsm=.
core::Result<void> restrict_files(Role role, const std::vector<std::filesystem::path>& folders);

// seccomp alone: every system call that is not in the role's list (syscall_list.hpp) answers EPERM. For a process with
// one thread.
core::Result<void> restrict_syscalls(Role role);

// The proxy's second filter, for all of its threads and for good: no ring can be made any more and nothing registered
// with one, no thread begins, and no further filter is set. To be called when every ring and thread is there, and
// before the first byte of a stranger is read: code that got in by one cannot make a ring that core/io does not
// restrict. After confine(Role::proxy). Does nothing in a sanitized build. Error: the kernel refused; the process must
// end then.
core::Result<void> shut_rings();

// Whether this is an ASan or TSan build. Their runtimes need system calls of their own at unexpected times.
bool sanitized() noexcept;

}  // namespace appliance::boot
