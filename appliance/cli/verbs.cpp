#include "appliance/cli/verbs.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <utility>

#include "appliance/config/nearest.hpp"

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

CLI::Option* add_duration(CLI::App& command, const std::string& name, const std::string& help,
                          std::function<void(core::Milliseconds)> store) {
    return command
        .add_option_function<std::string>(
            name,
            [name, store = std::move(store)](const std::string& text) {
                const auto duration = core::base::parse_duration(text);
                if (!duration) {
                    throw CLI::ValidationError(name, duration.error().line());
                }
                store(*duration);
            },
            help)
        ->type_name("DURATION");
}

std::string unknown_word(std::string_view kind, std::string_view word, std::span<const std::string_view> known) {
    return fmt::format("unknown {} '{}', {}", kind, word, config::suggest(word, known, fmt::format("{}s", kind)));
}

}  // namespace appliance::cli
