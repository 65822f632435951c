// Sandbox: limits what a running child can ask of the kernel, in addition to its dropped privileges. A hijacked proxy
// can open no file, execute nothing, and make no system call that the proxy does not use.
#pragma once

#include <filesystem>
#include <vector>

#include "appliance/boot/confine/role.hpp"
#include "core/base/result.hpp"

namespace appliance::boot {

// Confines this thread and those it makes later, permanently: Landlock where the kernel has it, then seccomp.
// (seccomp's list forbids Landlock's calls.) folders: those that control may write to, as far as their modes allow;
// unused by other roles. Does nothing in a sanitized build. Needs no_new_privs. Error: the kernel refused; the process
// must end then.
core::Result<void> confine(Role role, const std::vector<std::filesystem::path>& folders);

// Landlock alone: proxy and fence may open nothing in the file system, control reads anywhere and writes in folders
// (those that exist). The proxy may bind no TCP port (kernel 6.7). On a kernel without Landlock this is no error:
// Debian 12's has it, but an operator may have taken it out of lsm=.
core::Result<void> restrict_files(Role role, const std::vector<std::filesystem::path>& folders);

// seccomp alone: every system call that is not in the role's list (syscall_list.hpp) answers EPERM. For a process with
// one thread.
core::Result<void> restrict_syscalls(Role role);

// Sets the proxy's second filter, for all of its threads, permanently. It forbids new rings, registrations with a ring,
// new threads and further filters. Call it after confine(Role::proxy), when every ring and thread exists, and before
// the first foreign byte is read. So injected code cannot make a ring that core/io does not restrict. Does nothing in a
// sanitized build. Error: the kernel refused; the process must end then.
core::Result<void> shut_rings();

// Whether this is an ASan or TSan build. Their runtimes need system calls of their own at unexpected times.
bool sanitized() noexcept;

}  // namespace appliance::boot
