// ServerCommand: what a runner runs for one server of a rollout. The daemon lists a rollout's commands, and the command
// line compares them with what its operator has said; both fill them in and count them here. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"

namespace appliance::config {

// run: a step of the rollout has it. rollback: the rollback that the recipe orders after a failure would have it.
enum class Purpose : std::uint8_t { run, rollback };

std::string_view print(Purpose purpose) noexcept;

struct ServerCommand {
    Purpose purpose = Purpose::run;
    std::string server;
    std::string host;        // empty where the configuration has no such server any more
    std::uint16_t port = 0;  // 0 there
    std::string text;        // what the shell is given
    std::string source;      // its origin, for people: "--run by ann", "[deploy.app]"; empty: not known

    // The source says nothing about what would run.
    [[nodiscard]] bool same(const ServerCommand& other) const {
        return purpose == other.purpose && server == other.server && host == other.host && port == other.port &&
               text == other.text;
    }
};

// The recipe's text with the server, the host and the port of the command in their places.
std::string fill(std::string_view recipe_text, const ServerCommand& command);

// Whether a shell takes the command's server, host and port for what they are: a name of the configuration, an address
// or a host name, and a port. They come from the daemon, and stand in a text that a shell reads. Error: which does not.
core::Result<void> check_values(const ServerCommand& command);

// SHA-256, 64 hexadecimal digits, over every command in its order, but for its source.
std::string digest_of(const std::vector<ServerCommand>& commands);

}  // namespace appliance::config
