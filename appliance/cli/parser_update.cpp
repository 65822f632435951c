#include "appliance/cli/parser_update.hpp"

#include <CLI/CLI.hpp>

#include "appliance/cli/verbs.hpp"

namespace appliance::cli {
namespace {

CLI::App& add_change(CLI::App& update, Options& options, Command command, const char* name, const char* does) {
    CLI::App& added = add_verb(update, options, command, name, does);
    add_why(added, options);
    return added;
}

}  // namespace

void add_update(CLI::App& app, Options& options) {
    CLI::App& update = *app.add_subcommand("update", "The image: what runs, another, the one before");
    update.require_subcommand(1);
    add_verb(update, options, Command::update_status, "status", "What runs, and what is in the other slot");
    CLI::App& install =
        add_change(update, options, Command::update_install, "install", "Fetch a version into the other slot");
    install.add_option("URL", options.source, "The folder that ./dev image made for updates")
        ->type_name("")
        ->required();
    install.add_flag("--reboot", options.reboot, "Start it as soon as it is there");
    install.footer(
        "Example: gatehouse update install https://updates.example.org/0.1.1/ --reboot\n"
        "What is fetched has to be signed by a key that this machine's firmware boots.\n"
        "A version that does not serve in three starts is given up by itself, and the\n"
        "one before comes back, with its state and its fences.");
    add_change(update, options, Command::update_rollback, "rollback", "Start the version before, now");
    add_change(update, options, Command::update_reboot, "reboot", "Start the machine anew, now");
}

}  // namespace appliance::cli
