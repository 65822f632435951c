// The command line's way to a daemon on another machine. Called by the parser.
#pragma once

#include <string>

#include "appliance/cli/client/common.hpp"

namespace CLI {
class App;
}

namespace appliance::cli {

// As they were given.
struct RemoteWords {
    std::string host;
    std::string token_file;
    std::string ca;
    std::string certificate;
    std::string key;
};

// Adds --host and what belongs to it; words outlives app.
void add_remote(CLI::App& app, RemoteWords& words);
// After the command is known: what they mean, in common. local: the command speaks to no daemon, and --host is nothing
// to it. Throws CLI::ValidationError: no host, or a token file that cannot be read, holds nothing, or can be read by
// every user.
void take_remote(const RemoteWords& words, bool local, Common& common);

}  // namespace appliance::cli
