// Rehearsal: runs the new binary once beside the old one, before anything depends on it. The run shows its version,
// whether it finds its libraries, and whether it understands the configuration and the handover.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>

#include "core/base/descriptor.hpp"
#include "core/base/result.hpp"

namespace appliance::boot {

class Rehearsal {
public:
    static constexpr std::chrono::seconds time_limit{10};

    // Starts program for the configuration. Errors: it is no executable file, or users other than root and this
    // process's could have written it (core::base::check_trusted).
    static core::Result<Rehearsal> begin(const std::string& program, const std::string& config);

    [[nodiscard]] pid_t pid() const noexcept { return pid_; }
    [[nodiscard]] std::chrono::steady_clock::time_point end_by() const noexcept { return end_by_; }
    // After its end, with its wait status: the new binary's version. Error: why it cannot be used.
    [[nodiscard]] core::Result<std::string> judge(int status) const;

private:
    Rehearsal() = default;

    std::string program_;
    core::base::Descriptor output_;
    std::chrono::steady_clock::time_point end_by_;
    pid_t pid_ = 0;
};

// The rehearsal itself, in the new binary.
bool is_rehearsal(int argc, const char* const* argv) noexcept;
// Prints the version, or the problem on standard error. Returns the exit code.
int run_rehearsal(int argc, const char* const* argv);

}  // namespace appliance::boot
