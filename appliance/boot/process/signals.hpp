// Signals: what the daemon does with each of them (docs/reference/signals.md). The supervisor takes them from a
// descriptor; its children take none, because the supervisor alone decides how they end.
#pragma once

#include <bitset>
#include <optional>
#include <string>

#include "core/base/descriptor.hpp"
#include "core/base/log.hpp"
#include "core/base/result.hpp"

namespace appliance::boot {

// The order that a signal gives.
enum class Order { reap, reload, stop };

// "SIGUSR1", "SIGRTMIN+3".
std::string print_signal(int number);

// Blocks all signals that Signals takes, except those that end a start (TERM, INT, QUIT). In this thread and those it
// makes later. For the time before block_signals().
void block_harmless_signals() noexcept;
// Blocks all signals that Signals takes.
void block_signals() noexcept;
// Ignores every signal that the supervisor takes, except SIGCHLD, in this process and in what it executes. Safe between
// fork and exec.
void ignore_signals() noexcept;

class Signals {
public:
    // log outlives it.
    explicit Signals(core::base::Log& log) : log_(log) {}

    // Begins to take them; expects block_signals(). Error: no descriptor.
    core::Result<void> watch();
    [[nodiscard]] int fd() const noexcept { return fd_.get(); }
    // The next order that has come; none: nothing more. Signals without a meaning here leave a line in the log, each of
    // them once.
    std::optional<Order> take();

private:
    void note_ignored(int number, int code, int sender);

    core::base::Log& log_;
    core::base::Descriptor fd_;
    std::bitset<65> noted_;  // by number
};

}  // namespace appliance::boot
