// Common: what the command line says to several commands alike; arguments.hpp declares it. What only one command takes
// is a member of that command.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "appliance/api/client.hpp"
#include "core/base/duration.hpp"

namespace appliance::cli {

struct Common {
    std::string socket{api::default_socket};   // of the daemon to speak to
    std::optional<api::Place> remote{};        // the one to speak to instead
    std::string token_file{};                  // as --token-file names it
    bool json = false;                         // print JSON
    bool yes = false;                          // do not ask on a terminal
    std::string why{};                         // the reason of a change
    std::string claimed_by{};                  // the operator's name, as this process knows it; the daemon checks it
    std::vector<std::string> servers{};        // at least one, where the command takes servers
    std::optional<std::string> pool{};         // none: every pool
    std::optional<core::Milliseconds> wait{};  // how long to wait for the effect, or for the answer
    core::WallTime now{};                      // when the command line was read: "--until 30m" counts from here
    std::function<int(const std::string& config)> daemon{};  // runs the daemon and returns its exit code
};

// A client of the daemon that common names. It connects only when asked something.
api::Client client_for(const Common& common);

}  // namespace appliance::cli
