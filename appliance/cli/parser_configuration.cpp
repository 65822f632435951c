#include "appliance/cli/parser_configuration.hpp"

#include <CLI/CLI.hpp>

#include "appliance/cli/verbs.hpp"

namespace appliance::cli {

void add_confirm(CLI::App& command, Options& options) {
    command
        .add_option_function<std::string>(
            "--confirm",
            [&options](const std::string& text) {
                const auto time = core::base::parse_duration(text);
                if (!time || *time < std::chrono::seconds(1) || *time > std::chrono::hours(1)) {
                    throw CLI::ValidationError("--confirm", time ? "1s to 1h" : time.error().line());
                }
                options.confirm = *time;
            },
            "Go back after so long unless it is confirmed")
        ->type_name("TIME");
}

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
    add_confirm(apply, options);
    add_why(apply, options);
    apply.footer(
        "Example: gatehouse config apply new.toml --confirm 60s --why 'another check'\n"
        "Files that it names are those beside the daemon's own. A file with a problem\n"
        "changes nothing (exit code 2), and neither does one that cannot be taken in.\n"
        "With --confirm, it also goes back at once where a pool has no server left.");

    CLI::App& confirm = add_verb(config, options, Command::config_confirm, "confirm", "Keep what is on trial");
    add_why(confirm, options);
    confirm.footer("Example: gatehouse config confirm\nExit code 1 where nothing is, or its time is over.");

    CLI::App& rollback =
        add_verb(config, options, Command::config_rollback, "rollback", "Put the one before in its place, and reload");
    add_why(rollback, options);
    rollback.footer(
        "Example: gatehouse config rollback --why 'the third server is not ready'\n"
        "The two change places: a second rollback undoes the first.");
}

}  // namespace appliance::cli
