#include "appliance/cli/terminal/interrupts.hpp"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>

namespace appliance::cli {

Interrupts::Interrupts() {
    sigset_t awaited;
    ::sigemptyset(&awaited);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
        struct sigaction now {};
        if (::sigaction(signal, nullptr, &now) == 0 && now.sa_handler != SIG_IGN) {
            ::sigaddset(&awaited, signal);
        }
    }
    ::pthread_sigmask(SIG_BLOCK, &awaited, &before_);
    signals_.reset(::signalfd(-1, &awaited, SFD_CLOEXEC | SFD_NONBLOCK));
}

Interrupts::~Interrupts() {
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

int Interrupts::wait(std::chrono::milliseconds patience, int fd) {
    std::array<pollfd, 2> entries{{{signals_.get(), POLLIN, 0}, {fd, POLLIN, 0}}};
    ::poll(entries.data(), entries.size(), static_cast<int>(patience.count()));
    signalfd_siginfo seen{};
    const bool came = signals_.valid() && ::read(signals_.get(), &seen, sizeof seen) == sizeof seen;
    return came ? static_cast<int>(seen.ssi_signo) : 0;
}

}  // namespace appliance::cli
