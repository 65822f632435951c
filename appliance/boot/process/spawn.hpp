// Spawning a child: the same binary once more, in an address space of its own.
#pragma once

#include <sys/types.h>

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/base/result.hpp"

namespace appliance::boot {

// What is executed, and where its output goes.
struct Program {
    std::string path = "/proc/self/exe";       // this very binary, even where another one has taken its name
    std::optional<int> output = std::nullopt;  // becomes standard output and standard error; none: ours
    std::optional<int> errors = std::nullopt;  // becomes standard error; none: as output says
};

// Forks and executes the program with the arguments (without argv[0]). fds become 3, 4, ... in the child, and nothing
// else above 2 is inherited. The child has a process group of its own, so that Ctrl-C reaches the supervisor alone. It
// has no blocked signals, and ignores those that the supervisor takes (signals.hpp). Any number of threads may be
// running. Error: fork failed. An exec that fails is exit code 127, with a line on its standard error that says why.
core::Result<pid_t> spawn(const std::vector<std::string>& arguments, std::span<const int> fds,
                          const Program& program = {});

// What a wait status says: "exit code 1", "signal 9 (Killed)".
std::string describe_exit(int status);

// Advice about an end without any output of the process: "; ..."; empty: none.
std::string mend_for_exit(int status);

}  // namespace appliance::boot
