#include "appliance/cli/verbs.hpp"

#include <CLI/CLI.hpp>

namespace appliance::cli {

CLI::App& add_verb(CLI::App& parent, Options& options, Command command, const std::string& name,
                   const std::string& help) {
    CLI::App& added = *parent.add_subcommand(name, help);
    added.callback([&options, command] { options.command = command; });
    added.add_flag("--json", options.json, "Print JSON for programs");
    return added;
}

void add_why(CLI::App& command, Options& options) {
    command.add_option("--why", options.why, "The reason, for the journal and for others")->type_name("TEXT");
}

}  // namespace appliance::cli
