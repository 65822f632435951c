// Consent: before an order makes this machine run commands, its operator has said them, or has seen them and agreed.
#pragma once

#include <string>
#include <tl/expected.hpp>

#include "appliance/api/client.hpp"
#include "appliance/cli/options.hpp"
#include "appliance/cli/outcome.hpp"
#include "appliance/cli/permit.hpp"

namespace appliance::cli {

struct Consent {
    Permit permit;
    // Of the commands that were agreed to: the daemon refuses the order where it would give out others. Empty: the
    // commands are the operator's own.
    std::string digest{};
};

// For deploy rolling, maintenance, rollback and resume. body: the order as it will be sent. Commands that come from
// elsewhere are shown on standard error with their author, their source and their digest; then --yes-run DIGEST agrees
// to them, or whoever sits at the terminal does. Error: what ends the command, which has changed nothing.
tl::expected<Consent, Outcome> consent_to(const Options& options, const api::Client& client, const Json& body);

// The commands, their digest, author and source, as the question and `deploy status` show them.
std::string show_commands(const std::vector<config::ServerCommand>& commands, const Style& style);

}  // namespace appliance::cli
