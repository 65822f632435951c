// Consent: before an order makes this machine run commands, its operator has said them, or has seen them and agreed.
#pragma once

#include <optional>
#include <string>
#include <tl/expected.hpp>

#include "appliance/api/client.hpp"
#include "appliance/cli/client/common.hpp"
#include "appliance/cli/client/outcome.hpp"
#include "appliance/cli/deploy/permit.hpp"
#include "appliance/cli/terminal/style.hpp"

namespace appliance::cli {

// An order after which commands may run on this machine, and what the operator has said of them.
struct CommandSource {
    enum class Kind { begun, undone, resumed };

    Kind kind = Kind::begun;           // of a new rollout, of a rollback, of a rollout that goes on
    std::string verb{};                // below `deploy`, for advice
    std::string yes_run{};             // --yes-run: the digest of commands that may run; empty: none
    std::optional<std::string> run{};  // of a rollback: --run
};

struct Consent {
    Permit permit;
    // Of the commands that were agreed to: the daemon refuses the order where it would give out others. Empty: the
    // commands are the operator's own.
    std::string digest{};
};

// For deploy rolling, maintenance, rollback and resume. body: the order as it will be sent, but for reason and
// operator. Commands that come from elsewhere are shown on standard error with their author, their source and their
// digest; then --yes-run DIGEST agrees to them, or the operator at the terminal does. Error: what ends the command,
// which has changed nothing.
tl::expected<Consent, Outcome> consent_to(const CommandSource& source, const Common& common, const api::Client& client,
                                          const Json& body);

// The commands, their digest, author and source, as the question and `deploy status` show them.
std::string show_commands(const std::vector<config::ServerCommand>& commands, const Style& style);

}  // namespace appliance::cli
