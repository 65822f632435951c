#include "appliance/cli/parser_firewall.hpp"

#include <CLI/CLI.hpp>

namespace appliance::cli {

void add_firewall(CLI::App& app, Options& options) {
    CLI::App& firewall = *app.add_subcommand("firewall", "Who may reach the appliance itself");
    firewall.require_subcommand(1);
    firewall.footer("Example: gatehouse firewall status");
    CLI::App& status = *firewall.add_subcommand("status", "What is open, and what was dropped");
    status.callback([&options] { options.command = Command::firewall_status; });
    status.footer("Example: gatehouse firewall status --json");
    CLI::App& confirm = *firewall.add_subcommand("confirm", "Keep the firewall of the last reload");
    confirm.callback([&options] { options.command = Command::firewall_confirm; });
    confirm.add_option("--why", options.why, "The reason, for the journal and for others")->type_name("TEXT");
    confirm.footer(
        "Example: gatehouse firewall confirm --why 'I still get in'\n"
        "From a new session: one that was open before gets through any firewall.");
    for (CLI::App* command : {&status, &confirm}) {
        command->add_flag("--json", options.json, "Print JSON for programs");
    }
}

}  // namespace appliance::cli
