// Interrupts: Ctrl-C, SIGTERM and a closing terminal as events that a wait sees, instead of the process's end. For
// commands that have something to say then.
#pragma once

#include <chrono>
#include <csignal>

#include "core/base/descriptor.hpp"

namespace appliance::cli {

class Interrupts {
public:
    // Blocks the signals, but for those that nohup or a shell's & has switched off: in this thread, and in those that
    // it starts from here on.
    Interrupts();
    Interrupts(const Interrupts&) = delete;
    Interrupts& operator=(const Interrupts&) = delete;
    // Lets them through again.
    ~Interrupts();

    // Waits for a signal, for fd to be readable (-1: none), or for patience to be over. Returns the signal, or 0.
    int wait(std::chrono::milliseconds patience, int fd = -1);

private:
    sigset_t before_{};
    core::base::Descriptor signals_;
};

}  // namespace appliance::cli
