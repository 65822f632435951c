// What is tried, call by call. A filter sees the call before the kernel does, so the arguments are harmless where the
// filter does not read them.
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "appliance/boot/confine/cage.hpp"

namespace appliance::boot {
namespace {

// Numbers that Debian 12's headers may not have; they are the same on every architecture.
constexpr long call_pidfd_send_signal = 424;
constexpr long call_open_tree = 428;
constexpr long call_move_mount = 429;
constexpr long call_fsopen = 430;
constexpr long call_fsconfig = 431;
constexpr long call_fsmount = 432;
constexpr long call_fspick = 433;
constexpr long call_pidfd_open = 434;
constexpr long call_openat2 = 437;
constexpr long call_pidfd_getfd = 438;
constexpr long call_process_madvise = 440;
constexpr long call_mount_setattr = 442;
constexpr long call_memfd_secret = 447;
constexpr long call_process_mrelease = 448;

struct Plain {
    const char* what;
    long number;
};

// Calls that no role may make with any arguments. Here all arguments are zero.
constexpr Plain for_nobody[] = {
    {"a new ring", SYS_io_uring_setup},
    {"something registered with a ring", SYS_io_uring_register},
    {"Linux' older asynchronous I/O", SYS_io_setup},
    {"two sockets of a pair", SYS_socketpair},
    {"a socket that listens", SYS_listen},
    {"the memory of another, read", SYS_process_vm_readv},
    {"the memory of another, written", SYS_process_vm_writev},
    {"advice for the memory of another", call_process_madvise},
    {"the memory of another, taken", call_process_mrelease},
    {"a comparison with another", SYS_kcmp},
    {"kill", SYS_kill},
    {"tkill", SYS_tkill},
    {"a signal with a value", SYS_rt_sigqueueinfo},
    {"a signal with a value to a thread", SYS_rt_tgsigqueueinfo},
    {"a signal by pidfd", call_pidfd_send_signal},
    {"a pidfd", call_pidfd_open},
    {"a descriptor of another", call_pidfd_getfd},
    {"a timer that sends signals", SYS_timer_create},
    {"a place on processors", SYS_sched_setaffinity},
    {"a scheduler", SYS_sched_setscheduler},
    {"a scheduler with attributes", SYS_sched_setattr},
    {"a priority", SYS_setpriority},
    {"a priority of I/O", SYS_ioprio_set},
    {"the pages of another, migrated", SYS_migrate_pages},
    {"the pages of another, moved", SYS_move_pages},
    {"a limit", SYS_setrlimit},
    {"a process group", SYS_setpgid},
    {"a session", SYS_setsid},
    {"a file by its handle", SYS_open_by_handle_at},
    {"a handle of a file", SYS_name_to_handle_at},
    {"openat2", call_openat2},
    {"a folder", SYS_mkdirat},
    {"a device", SYS_mknodat},
    {"a link", SYS_linkat},
    {"a symbolic link", SYS_symlinkat},
    {"another mode by name", SYS_fchmodat},
    {"another owner by name", SYS_fchownat},
    {"an attribute of a file", SYS_setxattr},
    {"another working folder", SYS_chdir},
    {"another root", SYS_chroot},
    {"execve", SYS_execve},
    {"execveat", SYS_execveat},
    {"mount", SYS_mount},
    {"umount", SYS_umount2},
    {"pivot_root", SYS_pivot_root},
    {"fsopen", call_fsopen},
    {"fsconfig", call_fsconfig},
    {"fsmount", call_fsmount},
    {"fspick", call_fspick},
    {"move_mount", call_move_mount},
    {"open_tree", call_open_tree},
    {"mount_setattr", call_mount_setattr},
    {"unshare", SYS_unshare},
    {"setns", SYS_setns},
    {"bpf", SYS_bpf},
    {"perf_event_open", SYS_perf_event_open},
    {"userfaultfd", SYS_userfaultfd},
    {"keyctl", SYS_keyctl},
    {"add_key", SYS_add_key},
    {"request_key", SYS_request_key},
    {"init_module", SYS_init_module},
    {"finit_module", SYS_finit_module},
    {"delete_module", SYS_delete_module},
    {"kexec_load", SYS_kexec_load},
    {"personality", SYS_personality},
    {"a filter of its own", SYS_seccomp},
    {"setuid", SYS_setuid},
    {"setgid", SYS_setgid},
    {"setreuid", SYS_setreuid},
    {"setresuid", SYS_setresuid},
    {"setresgid", SYS_setresgid},
    {"setgroups", SYS_setgroups},
    {"setfsuid", SYS_setfsuid},
    {"capset", SYS_capset},
    {"quotactl", SYS_quotactl},
    {"reboot", SYS_reboot},
    {"sethostname", SYS_sethostname},
    {"setdomainname", SYS_setdomainname},
    {"swapon", SYS_swapon},
    {"acct", SYS_acct},
    {"the kernel's log", SYS_syslog},
    {"the clock, set", SYS_clock_settime},
    {"the clock, adjusted", SYS_clock_adjtime},
    {"vhangup", SYS_vhangup},
    {"shared memory", SYS_shmget},
    {"semaphores", SYS_semget},
    {"a message queue", SYS_msgget},
    {"a POSIX message queue", SYS_mq_open},
    {"inotify", SYS_inotify_init1},
    {"fanotify", SYS_fanotify_init},
    {"secret memory", call_memfd_secret},
    {"memory given to a pipe", SYS_vmsplice},
    {"tee", SYS_tee},
#ifdef __x86_64__
    {"fork", SYS_fork},
    {"vfork", SYS_vfork},
    {"iopl", SYS_iopl},
    {"ioperm", SYS_ioperm},
    {"modify_ldt", SYS_modify_ldt},
    {"kexec_file_load", SYS_kexec_file_load},
#endif
};

constexpr unsigned in_proxy = 1U << static_cast<unsigned>(Role::proxy);
constexpr unsigned in_control = 1U << static_cast<unsigned>(Role::control);
constexpr unsigned in_fence = 1U << static_cast<unsigned>(Role::fence);
constexpr unsigned everybody = in_proxy | in_control | in_fence;

struct Call {
    const char* what;
    unsigned roles;
    long (*make)(const Surroundings& around);
};

constexpr Call with_arguments[] = {
    {"ptrace, attached", everybody, [](const auto& a) { return ::syscall(SYS_ptrace, PTRACE_ATTACH, a.other, 0, 0); }},
    {"ptrace, seized", everybody, [](const auto& a) { return ::syscall(SYS_ptrace, PTRACE_SEIZE, a.other, 0, 0); }},
    {"tgkill of another", everybody, [](const auto& a) { return ::syscall(SYS_tgkill, a.other, a.other, 0); }},
    {"the limits of another", everybody,
     [](const auto& a) { return ::syscall(SYS_prlimit64, a.other, RLIMIT_CPU, nullptr, nullptr); }},
    {"the processors of another", everybody,
     [](const auto& a) { return ::syscall(SYS_sched_getaffinity, a.other, 0, nullptr); }},
    {"F_SETOWN", everybody, [](const auto& a) { return ::syscall(SYS_fcntl, a.pipe, F_SETOWN, a.other); }},
    {"F_SETOWN_EX", everybody,
     [](const auto& a) {
         const f_owner_ex owner{F_OWNER_PID, a.other};
         return ::syscall(SYS_fcntl, a.pipe, F_SETOWN_EX, &owner);
     }},
    {"F_SETSIG", everybody, [](const auto& a) { return ::syscall(SYS_fcntl, a.pipe, F_SETSIG, SIGKILL); }},
    {"F_NOTIFY", everybody, [](const auto& a) { return ::syscall(SYS_fcntl, a.pipe, F_NOTIFY, 0); }},
    {"F_SETLEASE", everybody, [](const auto& a) { return ::syscall(SYS_fcntl, a.pipe, F_SETLEASE, F_UNLCK); }},
    {"FIOSETOWN", everybody, [](const auto& a) { return ::syscall(SYS_ioctl, a.pipe, 0x8901, &a.other); }},
    {"SIOCSPGRP", everybody, [](const auto& a) { return ::syscall(SYS_ioctl, a.pipe, 0x8902, &a.other); }},
    {"FIOASYNC", everybody,
     [](const auto& a) {
         const int on = 1;
         return ::syscall(SYS_ioctl, a.pipe, FIOASYNC, &on);
     }},
    {"TIOCSTI", everybody, [](const auto& a) { return ::syscall(SYS_ioctl, a.pipe, TIOCSTI, "x"); }},
    {"TIOCLINUX", everybody, [](const auto& a) { return ::syscall(SYS_ioctl, a.pipe, TIOCLINUX, "\x03"); }},
    {"TIOCSCTTY", everybody, [](const auto& a) { return ::syscall(SYS_ioctl, a.pipe, TIOCSCTTY, 0); }},
    {"an interface changed", everybody,
     [](const auto& a) { return ::syscall(SYS_ioctl, a.pipe, SIOCSIFFLAGS, nullptr); }},
    {"AF_PACKET", everybody, [](const auto&) { return ::syscall(SYS_socket, AF_PACKET, SOCK_RAW, 0); }},
    {"AF_ALG", everybody, [](const auto&) { return ::syscall(SYS_socket, AF_ALG, SOCK_SEQPACKET, 0); }},
    {"AF_VSOCK", everybody, [](const auto&) { return ::syscall(SYS_socket, AF_VSOCK, SOCK_STREAM, 0); }},
    {"AF_XDP", everybody, [](const auto&) { return ::syscall(SYS_socket, AF_XDP, SOCK_RAW, 0); }},
    {"raw IPv4", everybody, [](const auto&) { return ::syscall(SYS_socket, AF_INET, SOCK_RAW, IPPROTO_RAW); }},
    {"raw IPv6", everybody, [](const auto&) { return ::syscall(SYS_socket, AF_INET6, SOCK_RAW, IPPROTO_RAW); }},
    {"NETLINK_KOBJECT_UEVENT", everybody,
     [](const auto&) { return ::syscall(SYS_socket, AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT); }},
    {"NETLINK_AUDIT", everybody,
     [](const auto&) { return ::syscall(SYS_socket, AF_NETLINK, SOCK_RAW, NETLINK_AUDIT); }},
    {"NETLINK_GENERIC", everybody,
     [](const auto&) { return ::syscall(SYS_socket, AF_NETLINK, SOCK_RAW, NETLINK_GENERIC); }},
    {"NETLINK_XFRM", everybody, [](const auto&) { return ::syscall(SYS_socket, AF_NETLINK, SOCK_RAW, NETLINK_XFRM); }},
    {"NETLINK_NETFILTER", in_proxy | in_control,
     [](const auto&) { return ::syscall(SYS_socket, AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER); }},
    {"NETLINK_SOCK_DIAG", in_proxy | in_control,
     [](const auto&) { return ::syscall(SYS_socket, AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG); }},
    {"NETLINK_ROUTE", in_proxy | in_fence,
     [](const auto&) { return ::syscall(SYS_socket, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE); }},
    {"AF_UNIX", in_proxy | in_fence, [](const auto&) { return ::syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0); }},
    {"AF_INET, datagrams", in_proxy | in_fence,
     [](const auto&) { return ::syscall(SYS_socket, AF_INET, SOCK_DGRAM, 0); }},
    {"AF_INET", in_fence, [](const auto&) { return ::syscall(SYS_socket, AF_INET, SOCK_STREAM, 0); }},
    {"AF_INET6", in_fence, [](const auto&) { return ::syscall(SYS_socket, AF_INET6, SOCK_STREAM, 0); }},
    {"a file, read", in_proxy | in_fence,
     [](const auto&) { return ::syscall(SYS_openat, AT_FDCWD, "/etc/hostname", O_RDONLY | O_CLOEXEC); }},
    {"a file, made", everybody,
     [](const auto&) { return ::syscall(SYS_openat, AT_FDCWD, "/etc/gatehouse-cage", O_WRONLY | O_CREAT, 0600); }},
    {"a file, removed", everybody, [](const auto&) { return ::syscall(SYS_unlinkat, AT_FDCWD, "/etc/hostname", 0); }},
    {"a file, renamed", everybody,
     [](const auto&) { return ::syscall(SYS_renameat2, AT_FDCWD, "/etc/hostname", AT_FDCWD, "/etc/x", 0); }},
    {"the memory of another by /proc", everybody,
     [](const auto& a) {
         const std::string path = "/proc/" + std::to_string(a.other) + "/mem";
         return ::syscall(SYS_openat, AT_FDCWD, path.c_str(), O_RDWR | O_CLOEXEC);
     }},
    {"a setting of the kernel", everybody,
     [](const auto&) { return ::syscall(SYS_openat, AT_FDCWD, "/proc/sys/kernel/hostname", O_WRONLY | O_CLOEXEC); }},
    {"a program out of memory", everybody,
     [](const auto& a) {
         const long file = ::syscall(SYS_memfd_create, "cage", MFD_CLOEXEC);
         char* const nothing[] = {nullptr};
         return ::syscall(SYS_execveat, file < 0 ? a.pipe : file, "", nothing, nothing, AT_EMPTY_PATH);
     }},
    {"memfd_create", in_fence, [](const auto&) { return ::syscall(SYS_memfd_create, "cage", MFD_CLOEXEC); }},
    {"another process", everybody, [](const auto&) { return ::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0); }},
    {"a thread in namespaces of its own", everybody,
     [](const auto&) {
         return ::syscall(SYS_clone, CLONE_THREAD | CLONE_SIGHAND | CLONE_VM | CLONE_NEWUSER, 0, 0, 0, 0);
     }},
    {"a thread", in_proxy | in_fence,
     [](const auto&) { return ::syscall(SYS_clone, CLONE_THREAD, 0, 0, 0, 0); }},  // EINVAL where it is let through
    {"PR_SET_DUMPABLE", everybody, [](const auto&) { return ::syscall(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0); }},
    {"PR_SET_PDEATHSIG", everybody, [](const auto&) { return ::syscall(SYS_prctl, PR_SET_PDEATHSIG, 0, 0, 0, 0); }},
    {"PR_SET_PTRACER", everybody, [](const auto& a) { return ::syscall(SYS_prctl, PR_SET_PTRACER, a.other, 0, 0, 0); }},
    {"PR_SET_MM", everybody, [](const auto&) { return ::syscall(SYS_prctl, PR_SET_MM, 0, 0, 0, 0); }},
    {"PR_SET_SECCOMP", everybody, [](const auto&) { return ::syscall(SYS_prctl, PR_SET_SECCOMP, 0, 0, 0, 0); }},
    {"PR_CAP_AMBIENT", everybody,
     [](const auto&) { return ::syscall(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 0, 0, 0); }},
};

Attempt judge(std::string what, long answer, int error, bool may_be_missing = false) {
    // EROFS: the image's file system is read-only, and the kernel checks that before the sandbox.
    const bool refused =
        answer < 0 && (error == EPERM || error == EACCES || error == EROFS || (may_be_missing && error == ENOSYS));
    return {std::move(what), refused, refused ? "" : answer < 0 ? ::strerrorname_np(error) : "it was done"};
}

long call_zero(long number) {
    return ::syscall(number, 0, 0, 0, 0, 0, 0);
}

}  // namespace

std::vector<Attempt> try_calls(Role role, const Surroundings& around) {
    const pid_t self = ::getpid();
    std::vector<Attempt> attempts;
    const auto attempt = [&](const char* what, long answer, bool may_be_missing = false) {
        const int error = errno;
        if (::getpid() != self) {
            ::_exit(0);  // the child of a call that was let through
        }
        attempts.push_back(judge(what, answer, error, may_be_missing));
    };
    for (const Plain& one : for_nobody) {
        attempt(one.what, call_zero(one.number));
    }
    for (const Call& one : with_arguments) {
        if ((one.roles & (1U << static_cast<unsigned>(role))) != 0) {
            attempt(one.what, one.make(around));
        }
    }
    attempt("clone3", call_zero(SYS_clone3), true);
    return attempts;
}

}  // namespace appliance::boot
