// Outcome: what a command leaves behind: its exit code and what goes to either stream. From an answer of the control
// process, or from its absence. Pure.
#pragma once

#include <functional>
#include <string>
#include <tl/expected.hpp>

#include "appliance/api/client.hpp"
#include "appliance/cli/terminal/view.hpp"

namespace appliance::cli {

struct Outcome {
    int code = 0;
    std::string out;
    std::string err;
};

// Writes an outcome and returns the exit code.
using Finish = std::function<int(const Outcome&)>;

// "gatehouse: text", cleaned, with its newline.
std::string complaint(const std::string& text);
// Code 1: the command was refused or has failed here.
Outcome outcome_of_failure(const core::Error& error);
// There is no answer: code 3.
Outcome outcome_of(const core::Error& error);
// Of an answer that is no success: 422 lists the problems of a configuration (code 2), 408 and 504 say that a wait ran
// out (4), any other status is code 1.
Outcome refusal_of(const api::Answer& answer);
// Standard output took no more; error: errno. Code 0 where its reader has gone, as with `| head`, else 1 and why.
Outcome outcome_of_unwritten(int error);

// The JSON object of an answer with a status from 200 to 299. Error: its outcome, where it is another status or no
// object.
tl::expected<Json, Outcome> body_of(const api::Answer& answer);

// "notes" and "warnings" of an answer, as lines for standard error.
std::string remarks_of(const Json& body);

// JSON for programs, as --json prints it.
std::string dump(const Json& value);

}  // namespace appliance::cli
