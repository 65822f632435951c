// The system call half of the sandbox. libseccomp stays in this file.
#include <seccomp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <span>
#include <string>

#include "appliance/boot/sandbox.hpp"

namespace appliance::boot {
namespace {

using Filter = std::unique_ptr<void, decltype([](void* filter) { ::seccomp_release(filter); })>;

// What any C++ program with threads, a log and an open socket does: memory, threads, signals to itself, clocks, and
// reading and writing what is already open. Nothing here opens, executes or names anything.
constexpr const char* common[] = {
    // memory
    "brk", "mmap", "munmap", "mremap", "mprotect", "madvise", "mlock", "munlock",
    // threads
    "futex", "clone", "clone3", "rseq", "set_robust_list", "set_tid_address", "gettid", "getpid", "getppid",
    "sched_yield", "sched_getaffinity", "sched_setaffinity", "membarrier", "exit", "exit_group", "prctl",
    // signals; tgkill is allowed below, to itself
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall",
    // time and chance
    "clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time", "getrandom",
    // what is open already; the log is one of them
    "read", "readv", "pread64", "write", "writev", "close", "close_range", "lseek", "fstat", "newfstatat", "statx",
    "fcntl", "dup", "dup3", "poll", "ppoll", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "eventfd2",
    "timerfd_create", "timerfd_settime", "sendmsg", "recvmsg", "sendto", "recvfrom", "shutdown", "getsockopt",
    "setsockopt", "getsockname", "getpeername", "getrlimit", "prlimit64", "uname", "getuid", "geteuid", "getgid",
    "getegid", "sysinfo", "getcpu"};

// The ring, zero copy, and sockets towards backends. What happens inside the ring is invisible to seccomp; core/io
// restricts its operations.
constexpr const char* for_proxy[] = {
    "io_uring_setup", "io_uring_enter", "io_uring_register", "connect", "accept4", "splice", "tee",
    "vmsplice",       "pipe2",          "memfd_create"};

// SQLite's files, the configuration, the user database (whose lookups may ask a daemon over a Unix socket), the API.
constexpr const char* for_control[] = {"open", "openat", "stat", "lstat", "access", "faccessat", "faccessat2",
                                       "readlink", "readlinkat", "getdents64", "getcwd", "pwrite64", "ftruncate",
                                       "fallocate", "fsync", "fdatasync", "unlink", "unlinkat", "rename", "renameat",
                                       "renameat2", "fchmod", "fchown", "utimensat", "statfs", "fstatfs", "flock",
                                       "accept4", "connect", "memfd_create", "ioctl",
                                       // for looking names up
                                       "bind", "sendmmsg", "recvmmsg"};

// For the socket on which netfilter/monitor hears announcements, which is opened and bound when the sandbox is shut
// already. The sockets that ask and change are open by then; a lost one ends the process, and another is started.
constexpr const char* for_fence[] = {"bind"};

core::Result<void> allow(void* filter, std::span<const char* const> names) {
    for (const char* name : names) {
        const int number = ::seccomp_syscall_resolve_name(name);
        // Not every architecture has every call ("open", "time"); what does not exist cannot be allowed.
        if (number == __NR_SCMP_ERROR) {
            continue;
        }
        const int added = ::seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
        if (added != 0 && added != -EDOM) {
            return core::fail_os(std::string("cannot allow the system call ") + name, -added);
        }
    }
    return {};
}

core::Result<void> allow_sockets(void* filter, std::span<const int> families) {
    for (const int family : families) {
        const int added = ::seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
                                             SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(family)));
        if (added != 0) {
            return core::fail_os("cannot allow the system call socket", -added);
        }
    }
    return {};
}

// Its neighbours have the same user, so that alone would not keep it from ending them.
core::Result<void> allow_signals_to_itself(void* filter) {
    const int added = ::seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                                         SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(::getpid())));
    return added == 0 ? core::Result<void>() : core::fail_os("cannot allow the system call tgkill", -added);
}

core::Result<void> allow_role(void* filter, Role role) {
    static constexpr int internet[] = {AF_INET, AF_INET6};
    // Guards are asked over the network: a calendar, BigBlueButton, and the name service, which looks at the machine's
    // addresses (netlink, without a capability) to sort what it finds.
    static constexpr int guards[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};
    static constexpr int netlink[] = {AF_NETLINK};
    const auto both = [filter](std::span<const char* const> names, std::span<const int> families) {
        return allow(filter, names).and_then([=] { return allow_sockets(filter, families); });
    };
    switch (role) {
        case Role::proxy:
            return both(for_proxy, internet);
        case Role::control:
            return both(for_control, guards);
        case Role::fence:
            return both(for_fence, netlink);
    }
    return {};
}

}  // namespace

core::Result<void> restrict_syscalls(Role role) {
    // EPERM rather than a kill: a call that a new C library makes and can do without must not take traffic down.
    const Filter filter(::seccomp_init(SCMP_ACT_ERRNO(EPERM)));
    if (!filter) {
        return core::fail("cannot make the system call filter", "out of memory");
    }
    // A glibc newer than this list falls back from unknown calls on ENOSYS only; those it may try are in `common`.
    auto allowed =
        allow(filter.get(), common).and_then([&] { return allow_signals_to_itself(filter.get()); }).and_then([&] {
            return allow_role(filter.get(), role);
        });
    if (!allowed) {
        return allowed;
    }
    ::seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_TSYNC, 1);
    if (const int loaded = ::seccomp_load(filter.get()); loaded != 0) {
        return core::fail_os("cannot load the system call filter", -loaded);
    }
    return {};
}

}  // namespace appliance::boot
