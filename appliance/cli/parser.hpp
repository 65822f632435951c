// Parsing the command line. Called by cli/main.cpp alone.
#pragma once

#include <memory>
#include <string>
#include <tl/expected.hpp>

#include "appliance/cli/client/command.hpp"

namespace appliance::cli {

// The command line asked for nothing to be done: help and version (code 0, for standard output), or it is wrong (code
// 2, one line for standard error).
struct Ending {
    int code = 0;
    std::string text;
};

// A command with its arguments read.
struct Invocation {
    std::unique_ptr<Common> common;
    std::unique_ptr<Command> command;  // refers to common
};

// Reads GATEHOUSE_SOCKET and what add_remote() names of the environment too. common: its operator, clock and daemon.
tl::expected<Invocation, Ending> parse(int argc, const char* const* argv, Common common);

}  // namespace appliance::cli
