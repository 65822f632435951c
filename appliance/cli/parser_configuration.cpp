#include "appliance/cli/parser_configuration.hpp"

#include <CLI/CLI.hpp>

namespace appliance::cli {
namespace {

CLI::App& add(CLI::App& parent, Options& options, const std::string& name, Command command, const std::string& help) {
    CLI::App& added = *parent.add_subcommand(name, help);
    added.callback([&options, command] { options.command = command; });
    added.add_flag("--json", options.json, "Print JSON for programs");
    return added;
}

void add_why(CLI::App& command, Options& options) {
    command.add_option("--why", options.why, "The reason, for the journal and for others")->type_name("TEXT");
}

}  // namespace

void add_configuration(CLI::App& app, Options& options) {
    CLI::App& config = *app.add_subcommand("config", "The daemon's configuration: show, change, undo");
    config.require_subcommand(1);
    config.footer("Example: gatehouse config apply new.toml --why 'a third server'");

    CLI::App& show = add(config, options, "show", Command::config_show, "Print the file that the daemon runs with");
    show.add_flag("--previous", options.previous, "The one before");
    show.footer("Example: gatehouse config show > gatehouse.toml");

    CLI::App& apply = add(config, options, "apply", Command::config_apply, "Put a file in its place, and reload");
    apply.add_option("FILE", options.config, "The new configuration")->type_name("")->required();
    apply.add_flag("--dry-run", options.dry_run, "Only say what is wrong, and what would change");
    add_why(apply, options);
    apply.footer(
        "Example: gatehouse config apply new.toml --why 'a third server'\n"
        "Files that it names are those beside the daemon's own. A file with a problem\n"
        "changes nothing (exit code 2), and neither does one that cannot be taken in.");

    CLI::App& rollback =
        add(config, options, "rollback", Command::config_rollback, "Put the one before in its place, and reload");
    add_why(rollback, options);
    rollback.footer(
        "Example: gatehouse config rollback --why 'the third server is not ready'\n"
        "The two change places: a second rollback undoes the first.");
}

}  // namespace appliance::cli
