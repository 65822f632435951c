// Outcome: what a command leaves behind: its exit code and what goes to either stream. From an answer of the control
// process, or from its absence.
#pragma once

#include <string>

#include "appliance/api/client.hpp"
#include "appliance/cli/options.hpp"
#include "appliance/cli/style.hpp"
#include "appliance/cli/view.hpp"

namespace appliance::cli {

struct Outcome {
    int code = 0;
    std::string out;
    std::string err;
};

// Any answer, whatever its status. 422 lists the problems of a configuration (code 2), 408 and 504 say that a wait ran
// out (4), any other refusal is code 1. A wait that the answer itself says was not fulfilled is code 4 too.
Outcome outcome_of(const api::Answer& answer, const Options& options, core::WallTime now, const Style& style);
// before: what GET /v1/status was before a change; null where nobody has looked.
Outcome outcome_of(const api::Answer& answer, const Options& options, core::WallTime now, const Style& style,
                   const Json& before);

// JSON for programs, as --json prints it.
std::string dump(const Json& value);

// There is no answer: code 3.
Outcome outcome_of(const core::Error& error);

// Standard output took no more; error: errno. Code 0 where its reader has gone, as with `| head`, else 1 and why.
Outcome outcome_of_unwritten(int error);

// `gatehouse check`: the file's problems on standard error, or one line that sums up what is in it.
Outcome check_file(const Options& options);

}  // namespace appliance::cli
