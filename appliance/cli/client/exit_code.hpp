// The exit codes that scripts rely on.
#pragma once

namespace appliance::cli {

enum ExitCode : int {
    done = 0,
    failed = 1,         // refused or failed
    wrong_usage = 2,    // or an invalid configuration
    unreachable = 3,    // no daemon answers
    timed_out = 4,      // a wait ran out
    interrupted = 130,  // by Ctrl-C: 128 + SIGINT, as shells have it
};

}  // namespace appliance::cli
