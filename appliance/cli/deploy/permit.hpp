// Permit: which commands of a rollout may run on this machine. The daemon says when a command is due and for which
// server; this command line's operator alone decides what is run. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "appliance/cli/terminal/view.hpp"
#include "appliance/config/values/server_command.hpp"

namespace appliance::cli {

// The commands of the operator's own, with {server}, {host} and {port}: from --run and --rollback, or from a recipe on
// this machine. None: nothing is known of that kind.
struct OwnCommands {
    std::optional<std::string> run{};
    std::optional<std::string> rollback{};
};

class Permit {
public:
    Permit() = default;
    explicit Permit(OwnCommands own) : own_(std::move(own)) {}

    // These may run, as they stand: the operator has seen them.
    void accept(std::vector<config::ServerCommand> commands) { accepted_ = std::move(commands); }

    // Whether the command may run here: its server, host and port are plain words; it was accepted, or is an own
    // command with them filled in. Error: what the daemon has sent, and why it is not run; one line.
    [[nodiscard]] core::Result<void> check(const config::ServerCommand& command) const;
    [[nodiscard]] bool allows_all(const std::vector<config::ServerCommand>& commands) const;

    [[nodiscard]] const OwnCommands& own() const noexcept { return own_; }
    [[nodiscard]] const std::vector<config::ServerCommand>& accepted() const noexcept { return accepted_; }
    [[nodiscard]] bool empty() const noexcept { return !own_.run && !own_.rollback && accepted_.empty(); }
    // What may run of a rollback of that rollout: these commands are its steps then.
    [[nodiscard]] Permit undoing() const;

private:
    OwnCommands own_;
    std::vector<config::ServerCommand> accepted_;
};

// "commands" of a rollout or a plan. Nothing where the daemon does not say them, or says them in another form.
std::optional<std::vector<config::ServerCommand>> commands_in(const Json& rollout);

// The command as a line of text from which nothing can be hidden: one with control characters or marks that turn the
// writing direction is quoted, with these written as in JSON.
std::string print_command(const std::string& text);

}  // namespace appliance::cli
