#include "appliance/boot/confine/syscall_list.hpp"

#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <span>
#include <string_view>

#include "core/io/restrictions.hpp"

namespace appliance::boot {
namespace {

using Calls = std::vector<AllowedCall>;

struct Named {
    std::string_view name;
    std::uint64_t value = 0;
};

void add(Calls& calls, std::initializer_list<const char*> names, Lasting lasting = Lasting::always) {
    for (const char* name : names) {
        calls.push_back({.call = name, .lasting = lasting});
    }
}

// One of the values in one argument, as in "fcntl(fd, command)".
void add_choice(Calls& calls, const char* call, unsigned argument, std::initializer_list<Named> values) {
    for (const Named& one : values) {
        // The kernel takes these as an int or an unsigned int, and ignores the upper half.
        calls.push_back({call, std::string(one.name), {{argument, 0xffff'ffffULL, one.value & 0xffff'ffffULL}}});
    }
}

constexpr std::uint64_t type_bits = 0xf;  // beside SOCK_CLOEXEC and SOCK_NONBLOCK

void add_socket(Calls& calls, Named family, std::initializer_list<Named> types) {
    for (const Named& type : types) {
        calls.push_back({"socket",
                         std::string(family.name) + " " + std::string(type.name),
                         {{0, 0xffff'ffffULL, family.value}, {1, type_bits, type.value}}});
    }
}

void add_netlink(Calls& calls, std::initializer_list<Named> buses) {
    for (const Named& bus : buses) {
        calls.push_back({"socket",
                         "AF_NETLINK " + std::string(bus.name),
                         {{0, 0xffff'ffffULL, AF_NETLINK}, {2, 0xffff'ffffULL, bus.value}}});
    }
}

constexpr std::uint64_t new_namespaces =
    CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;

// A thread of this process, in no namespace of its own. No role forks.
AllowedCall one_more_thread(Lasting lasting) {
    return {"clone", "CLONE_THREAD without CLONE_NEW*", {{0, new_namespaces | CLONE_THREAD, CLONE_THREAD}}, lasting};
}

// The calls of any C++ program with threads, a log and an open socket: memory, signals to itself, clocks, reading and
// writing open files. Nothing here opens, executes or names anything. Nothing reaches another process: all children
// have the same user, so one could end another (by kill, F_SETOWN with F_SETSIG, prlimit64).
void add_common(Calls& calls) {
    // what is open already; the log is one of them
    add(calls, {"read",       "write",      "recvmsg",     "sendmsg",     "poll",   "ppoll",    "readv",
                "pread64",    "writev",     "close",       "close_range", "lseek",  "fstat",    "newfstatat",
                "statx",      "dup",        "dup3",        "eventfd2",    "sendto", "recvfrom", "shutdown",
                "getsockopt", "setsockopt", "getsockname", "getpeername"});
    add_choice(calls, "fcntl", 1,
               {{"F_GETFD", F_GETFD},
                {"F_SETFD", F_SETFD},
                {"F_GETFL", F_GETFL},
                {"F_SETFL", F_SETFL},
                {"F_DUPFD_CLOEXEC", F_DUPFD_CLOEXEC}});
    // memory
    add(calls, {"futex", "brk", "mmap", "munmap", "mremap", "mprotect", "madvise", "mlock", "munlock"});
    // threads
    add(calls, {"rseq", "set_robust_list", "set_tid_address", "gettid", "getpid", "getppid", "sched_yield",
                "membarrier", "exit", "exit_group"});
    calls.push_back({"sched_getaffinity", "of itself", {{0, 0xffff'ffffULL, 0}}});
    calls.push_back({"prlimit64", "of itself", {{0, 0xffff'ffffULL, 0}}});
    add_choice(calls, "prctl", 0,
               {{"PR_SET_NAME", PR_SET_NAME},
                {"PR_GET_NAME", PR_GET_NAME},
                {"PR_SET_TIMERSLACK", PR_SET_TIMERSLACK},
                {"PR_SET_VMA", 0x53564d41}});  // how the C library names its memory
    // signals
    add(calls, {"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall"});
    calls.push_back({"tgkill", "to itself", {{0, 0xffff'ffffULL, static_cast<std::uint64_t>(::getpid())}}});
    // time, random numbers, and identity
    add(calls, {"clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time", "getrandom",
                "getrlimit", "uname", "getuid", "geteuid", "getgid", "getegid", "sysinfo", "getcpu"});
}

// The ring, zero copy, and sockets towards backends. What happens inside the ring is invisible to seccomp; core/io
// restricts its operations, and with all rings made no other can be.
void add_proxy(Calls& calls) {
    // bind: a pool's source addresses. Nothing listens without listen(2), and Landlock (6.7) lets no port be named.
    add(calls, {"splice", "connect", "bind", "accept4", "pipe2", "memfd_create"});
    add_choice(calls, "fcntl", 1,
               {{"F_SETPIPE_SZ", F_SETPIPE_SZ},
                {"F_GETPIPE_SZ", F_GETPIPE_SZ},
                {"F_ADD_SEALS", F_ADD_SEALS},
                {"F_GET_SEALS", F_GET_SEALS}});
    add_socket(calls, {"AF_INET", AF_INET}, {{"SOCK_STREAM", SOCK_STREAM}});
    add_socket(calls, {"AF_INET6", AF_INET6}, {{"SOCK_STREAM", SOCK_STREAM}});
    // for the start: its threads, their rings, and the second filter
    const Lasting start = Lasting::until_the_rings_are_made;
    calls.push_back(one_more_thread(start));
    add(calls, {"io_uring_setup", "io_uring_register"}, start);
    calls.push_back({"seccomp", "SECCOMP_SET_MODE_FILTER", {{0, 0xffff'ffffULL, SECCOMP_SET_MODE_FILTER}}, start});
}

// SQLite's files, the configuration, the API, and the user database (a lookup may use a daemon's Unix socket).
void add_control(Calls& calls) {
    add(calls, {"open", "openat", "stat", "lstat", "access", "faccessat", "faccessat2", "readlink", "readlinkat",
                "getdents64", "getcwd", "pwrite64", "ftruncate", "fallocate", "fsync", "fdatasync", "unlink",
                "unlinkat", "rename", "renameat", "renameat2", "fchmod", "fchown", "utimensat", "statfs", "fstatfs",
                "flock", "accept4", "connect", "memfd_create",
                // for looking names up
                "bind", "sendmmsg", "recvmmsg"});
    calls.push_back(one_more_thread(Lasting::always));
    add_choice(calls, "fcntl", 1,
               {{"F_GETLK", F_GETLK},
                {"F_SETLK", F_SETLK},
                {"F_SETLKW", F_SETLKW},
                {"F_ADD_SEALS", F_ADD_SEALS},
                {"F_GET_SEALS", F_GET_SEALS}});
    // TCGETS: the C library's streams; FIONREAD: its resolver; SIOCGIFINDEX: the index in fe80::1%eth0
    add_choice(calls, "ioctl", 1, {{"TCGETS", TCGETS}, {"FIONREAD", FIONREAD}, {"SIOCGIFINDEX", SIOCGIFINDEX}});
    // Guards are asked over the network: calendars and BigBlueButton. The name service reads the machine's addresses
    // (netlink, without a capability) to sort its results. A datagram socket may be a ping's.
    const Named stream{"SOCK_STREAM", SOCK_STREAM};
    const Named datagram{"SOCK_DGRAM", SOCK_DGRAM};
    add_socket(calls, {"AF_UNIX", AF_UNIX}, {stream, datagram});
    add_socket(calls, {"AF_INET", AF_INET}, {stream, datagram});
    add_socket(calls, {"AF_INET6", AF_INET6}, {stream, datagram});
    add_netlink(calls, {{"NETLINK_ROUTE", NETLINK_ROUTE}});
}

// For sockets that are opened and bound inside the sandbox: those on which netfilter/nft/monitor hears announcements,
// and netfilter/flows/flow_reaper asks for connections. The socket that changes rules is open before. Losing it ends
// the process, and another is started.
void add_fence(Calls& calls) {
    add(calls, {"bind"});
    add_netlink(calls, {{"NETLINK_NETFILTER", NETLINK_NETFILTER}, {"NETLINK_SOCK_DIAG", NETLINK_SOCK_DIAG}});
}

void print_role(std::string& text, Role role) {
    text += "\n## " + std::string(print(role)) + "\n\n| call | only | until |\n|---|---|---|\n";
    const auto calls = allowed_calls(role);
    for (auto one = calls.begin(); one != calls.end();) {
        std::string only = one->only;
        auto next = one + 1;
        for (; next != calls.end() && next->call == one->call; ++next) {
            only += ", " + next->only;
        }
        const bool ends = one->lasting == Lasting::until_the_rings_are_made;
        text += "| " + one->call + " | " + only + " | " + (ends ? "all rings are made" : "") + " |\n";
        one = next;
    }
}

void print_rights(std::string& text, const char* title, std::span<const core::io::RingRight> rights) {
    text += "\n### " + std::string(title) + "\n\n";
    for (const core::io::RingRight& right : rights) {
        text += "- " + std::string(right.name) + "\n";
    }
}

}  // namespace

std::vector<AllowedCall> allowed_calls(Role role) {
    Calls calls;
    if (role == Role::proxy) {
        add(calls, {"io_uring_enter"});  // nearly all that it calls
    }
    add_common(calls);
    switch (role) {
        case Role::proxy:
            add_proxy(calls);
            break;
        case Role::control:
            add_control(calls);
            break;
        case Role::fence:
            add_fence(calls);
            break;
    }
    return calls;
}

std::vector<std::string> unknown_calls() {
    return {"clone3"};
}

std::string print_syscalls() {
    std::string text =
        "# What each process may ask of the kernel\n\n"
        "Printed by `print_syscalls()` (appliance/boot/confine/syscall_list.cpp); a test holds this file against it. "
        "All else\n"
        "answers EPERM, and";
    for (const std::string& call : unknown_calls()) {
        text += " `" + call + "`";
    }
    text += " ENOSYS. `gatehouse --cage` tries it on a machine.\n";
    for (const Role role : {Role::proxy, Role::control, Role::fence}) {
        print_role(text, role);
    }
    text += "\n## The proxy's rings\n";
    print_rights(text, "Operations", core::io::ring_operations());
    print_rights(text, "Registrations, until all rings are made", core::io::ring_registrations());
    return text;
}

}  // namespace appliance::boot
