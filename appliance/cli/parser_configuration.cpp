#include "appliance/cli/parser_configuration.hpp"

#include <CLI/CLI.hpp>

#include "appliance/cli/verbs.hpp"

namespace appliance::cli {
void add_configuration(CLI::App& app, Options& options) {
    CLI::App& config = *app.add_subcommand("config", "The daemon's configuration: show, change, undo");
    config.require_subcommand(1);
    config.footer("Example: gatehouse config apply new.toml --why 'a third server'");

    CLI::App& show =
        add_verb(config, options, Command::config_show, "show", "Print the file that the daemon runs with");
    show.add_flag("--previous", options.previous, "The one before");
    show.footer("Example: gatehouse config show > gatehouse.toml");

    CLI::App& apply = add_verb(config, options, Command::config_apply, "apply", "Put a file in its place, and reload");
    apply.add_option("FILE", options.config, "The new configuration")->type_name("")->required();
    apply.add_flag("--dry-run", options.dry_run, "Only say what is wrong, and what would change");
    add_why(apply, options);
    apply.footer(
        "Example: gatehouse config apply new.toml --why 'a third server'\n"
        "Files that it names are those beside the daemon's own. A file with a problem\n"
        "changes nothing (exit code 2), and neither does one that cannot be taken in.");

    CLI::App& rollback =
        add_verb(config, options, Command::config_rollback, "rollback", "Put the one before in its place, and reload");
    add_why(rollback, options);
    rollback.footer(
        "Example: gatehouse config rollback --why 'the third server is not ready'\n"
        "The two change places: a second rollback undoes the first.");
}

}  // namespace appliance::cli
