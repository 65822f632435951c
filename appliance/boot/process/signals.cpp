#include "appliance/boot/process/signals.hpp"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "appliance/link/event.hpp"

namespace appliance::boot {
namespace {

// Some of these are orders for other balancers: USR1 reopens nginx's log, USR2 reloads HAProxy. By default all but
// WINCH end the process, and every connection with it. Signals of a fault (SEGV, ABRT) and of stopping (TSTP) are not
// in the list.
constexpr int harmless[] = {SIGPIPE, SIGUSR1, SIGUSR2, SIGALRM,   SIGVTALRM, SIGPROF,
                            SIGIO,   SIGPWR,  SIGXCPU, SIGSTKFLT, SIGXFSZ,   SIGWINCH};

constexpr int stopping[] = {SIGTERM, SIGINT, SIGQUIT};

template <typename Act>
void each_harmless(Act act) {
    for (const int number : harmless) {
        act(number);
    }
    for (int number = SIGRTMIN; number <= SIGRTMAX; ++number) {
        act(number);
    }
}

sigset_t harmless_set() noexcept {
    sigset_t set;
    ::sigemptyset(&set);
    each_harmless([&set](int number) { ::sigaddset(&set, number); });
    // A reload that is asked for during the start comes after it.
    ::sigaddset(&set, SIGHUP);
    ::sigaddset(&set, SIGCHLD);
    return set;
}

sigset_t taken_set() noexcept {
    sigset_t set = harmless_set();
    for (const int number : stopping) {
        ::sigaddset(&set, number);
    }
    return set;
}

}  // namespace

std::string print_signal(int number) {
    if (number >= SIGRTMIN && number <= SIGRTMAX) {
        return "SIGRTMIN+" + std::to_string(number - SIGRTMIN);
    }
    const char* name = ::sigabbrev_np(number);
    return name != nullptr ? std::string("SIG") + name : std::to_string(number);
}

void block_harmless_signals() noexcept {
    const sigset_t set = harmless_set();
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
}

void block_signals() noexcept {
    const sigset_t set = taken_set();
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
}

void ignore_signals() noexcept {
    each_harmless([](int number) { ::signal(number, SIG_IGN); });
    for (const int number : stopping) {
        ::signal(number, SIG_IGN);
    }
    ::signal(SIGHUP, SIG_IGN);
}

core::Result<void> Signals::watch() {
    const sigset_t set = taken_set();
    fd_.reset(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
    return fd_.valid() ? core::Result<void>() : core::fail_os("cannot wait for signals", errno);
}

std::optional<Order> Signals::take() {
    signalfd_siginfo info{};
    while (::read(fd_.get(), &info, sizeof(info)) == sizeof(info)) {
        const int number = static_cast<int>(info.ssi_signo);
        switch (number) {
            case SIGCHLD:
                return Order::reap;
            case SIGHUP:
                return Order::reload;
            case SIGTERM:
            case SIGINT:
            case SIGQUIT:
                return Order::stop;
            default:
                note_ignored(number, info.ssi_code, static_cast<int>(info.ssi_pid));
        }
    }
    return std::nullopt;
}

void Signals::note_ignored(int number, int code, int sender) {
    // A closed reader of our output causes SIGPIPE, a resized terminal SIGWINCH: no process has sent those.
    const bool sent = code <= 0 && sender != ::getpid();
    if (noted_.test(static_cast<std::size_t>(number)) || (!sent && (number == SIGPIPE || number == SIGWINCH))) {
        return;
    }
    noted_.set(static_cast<std::size_t>(number));
    log_.write(link::event_line("signal", {{"signal", print_signal(number)},
                                           {"sender", sent ? nlohmann::ordered_json(sender) : nlohmann::ordered_json()},
                                           {"why",
                                            "ignored, from now on without a line; TERM, INT and QUIT stop "
                                            "gatehouse, HUP reloads"}}));
}

}  // namespace appliance::boot
