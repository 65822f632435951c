// Parsing the command line. CLI11 stays behind parser.cpp; cli/main.cpp is the only caller.
#pragma once

#include <string>
#include <tl/expected.hpp>

#include "appliance/cli/options.hpp"

namespace appliance::cli {

// The command line asked for nothing to be done: help and version (code 0, for standard output), or it is wrong (code
// 2, one line for standard error).
struct Ending {
    int code = 0;
    std::string text;
};

// Reads GATEHOUSE_SOCKET too. now is what "--until 30m" counts from.
tl::expected<Options, Ending> parse(int argc, const char* const* argv, core::WallTime now);

}  // namespace appliance::cli
