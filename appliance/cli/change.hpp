// Change: a command that changes something: what its caller should know first, the order, what is seen meanwhile.
#pragma once

#include <string>

#include "appliance/cli/outcome.hpp"
#include "appliance/cli/waiting.hpp"

namespace appliance::cli {

// Whether main gives the command to change(); those that do more than one thing call it themselves.
bool changes(Command command) noexcept;

// Asks on a terminal where that is due; 1 where the answer is no, and nothing has changed then. Prints progress to
// standard error while it waits.
Outcome change(const Options& options, const std::string& claimed_by);

// What is seen of this command meanwhile, and what stands after Ctrl-C, asked of the daemon that options name. options
// outlive it.
Witness witness_of(const Options& options);

}  // namespace appliance::cli
