// The command line: everything between the arguments and the exit code. appliance/main.cpp calls it, and passes
// functions of folders that the command line does not include.
#pragma once

#include <functional>
#include <string>

namespace appliance::cli {

struct Commands {
    // `gatehouse run -c FILE`: the daemon. Returns the exit code.
    std::function<int(const std::string& config)> run{};
};

// Parses, does, prints. Returns the exit code of the contract: 0 done, 1 refused or failed, 2 wrong usage or invalid
// configuration, 3 daemon not reachable, 4 a wait ran out; what `run` returns is passed on. Results go to standard
// output, the one line of a failure to standard error. Every command but run ignores SIGPIPE from here on.
int main(int argc, const char* const* argv, const Commands& hooks);

}  // namespace appliance::cli
