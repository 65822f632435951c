// The entries of the binary that are not the command line: the daemon, and its children.
#pragma once

#include <string>

namespace appliance::boot {

// `gatehouse run -c FILE`: loads, opens, supervises. Resumes a handover of the previous program where there is one; a
// failure then executes that program again. Returns the exit code. 0: an orderly end. 1: something could not be opened.
// 2: an invalid configuration, with its problems on standard error.
int run_daemon(const std::string& config);

// Whether this process was started by the supervisor as one of its children.
bool is_child(int argc, const char* const* argv) noexcept;
// Runs such a child, from dropping privileges to its end. Returns its exit code.
int run_child(int argc, const char* const* argv);

}  // namespace appliance::boot
