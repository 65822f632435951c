#include "appliance/cli/client/arguments.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <utility>

#include "appliance/config/values/nearest.hpp"

namespace appliance::cli {
namespace {

std::string check_mode(const std::string& text) {
    constexpr std::array<std::string_view, 3> modes{"reset", "icmp", "drop"};
    return std::find(modes.begin(), modes.end(), text) == modes.end() ? unknown_word("mode", text, modes)
                                                                      : std::string();
}

}  // namespace

void add_json(CLI::App& app, Common& common) {
    app.add_flag("--json", common.json, "Print JSON for programs");
}

void add_why(CLI::App& app, Common& common) {
    app.add_option("--why", common.why, "The reason, for the journal and for others")->type_name("TEXT");
}

void add_yes(CLI::App& app, Common& common) {
    app.add_flag("--yes", common.yes, "Do not ask on a terminal");
}

void add_pool(CLI::App& app, Common& common, const std::string& help) {
    app.add_option("POOL", common.pool, help)->type_name("");
}

void add_servers(CLI::App& app, Common& common, const std::string& help) {
    app.add_option("SERVER", common.servers, help)->type_name("")->required();
    app.add_option("--pool", common.pool, "Only in this pool; else in all")->type_name("POOL");
}

void add_wait(CLI::App& app, Common& common, const std::string& name, const std::string& help) {
    add_duration(app, name, help, [&common](core::Milliseconds duration) { common.wait = duration; });
}

CLI::Option* add_duration(CLI::App& app, const std::string& name, const std::string& help,
                          std::function<void(core::Milliseconds)> store) {
    return app
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

CLI::Option* add_time(CLI::App& app, const std::string& name, const std::string& help, core::WallTime now,
                      std::function<void(core::WallTime, const std::string& text)> store) {
    return app
        .add_option_function<std::string>(
            name,
            [name, now, store = std::move(store)](const std::string& text) {
                const auto away = core::base::parse_duration(text);
                const auto time = away ? core::Result<core::WallTime>(now + *away) : core::base::parse_time(text);
                if (!time) {
                    throw CLI::ValidationError(name, time.error().line());
                }
                store(*time, text);
            },
            help)
        ->type_name("TIME");
}

void add_mode(CLI::App& app, std::optional<std::string>& mode) {
    app.add_option("--mode", mode, "How to refuse: reset, icmp or drop")
        ->type_name("MODE")
        ->check(CLI::Validator(check_mode, ""));
}

void add_confirm(CLI::App& app, std::optional<core::Milliseconds>& confirm) {
    add_duration(app, "--confirm", "Undo the change unless it is confirmed in time",
                 [&confirm](core::Milliseconds duration) {
                     if (duration < std::chrono::seconds(1) || duration > std::chrono::hours(1)) {
                         throw CLI::ValidationError("--confirm", "1s to 1h");
                     }
                     confirm = duration;
                 });
}

void add_number(CLI::App& app, const std::string& name, std::int64_t& number, std::int64_t min, std::int64_t max,
                const std::string& help) {
    app.add_option(name, number, help)->check(CLI::Range(min, max).description(""))->type_name("NUMBER");
}

std::string unknown_word(std::string_view kind, std::string_view word, std::span<const std::string_view> known) {
    return fmt::format("unknown {} '{}', {}", kind, word, config::suggest(word, known, fmt::format("{}s", kind)));
}

}  // namespace appliance::cli
