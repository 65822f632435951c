// The table of commands: one row for each verb of the command line. A command is a file in commands/ and its row here.
#pragma once

#include <span>
#include <string_view>

#include "appliance/cli/client/command.hpp"

namespace appliance::cli {

struct Row {
    // "fence", or "deploy rolling": rolling below the row deploy, which stands before it.
    std::string_view verb;
    // One line: what it does to what, in which unit.
    std::string_view help;
    // Null: a word with commands below it.
    const Maker* make;
    // The example of a word with commands below it; a command has its own.
    std::string_view footer{};
};

// In the order of the help.
std::span<const Row> command_table();

}  // namespace appliance::cli
