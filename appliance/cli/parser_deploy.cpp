#include "appliance/cli/parser_deploy.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <string>

#include "appliance/base/bounded_json.hpp"
#include "appliance/cli/verbs.hpp"
#include "appliance/config/header.hpp"
#include "appliance/config/placeholder.hpp"
#include "appliance/config/recipe.hpp"

namespace appliance::cli {
namespace {

using nlohmann::json;

constexpr std::chrono::days expires_max{7};

// Before anything is sent.
void check_command(const std::string& flag, const std::string& command) {
    if (const auto checked = config::check_placeholders(command); !checked) {
        throw CLI::ValidationError(flag, checked.error().line());
    }
}

// each_field's visitor that makes one option of each field. What is given goes into options.settings as the API wants
// it; what is not stays the recipe's.
class AddFlags {
public:
    AddFlags(CLI::App& command, Options& options) : command_(command), options_(options) {}

    void text(const char* key, const std::string& value, const char* help) {
        add(key, help, value, [](const std::string& text) { return json(text); })->type_name("TEXT");
    }
    void command(const char* key, const std::string& value, const char* help) {
        add(key, help, value, [key](const std::string& text) {
            check_command(flag_name(key), text);
            return json(text);
        })->type_name("TEXT");
    }
    void list(const char* key, const std::vector<std::string>& /*value*/, const char* help) {
        command_
            .add_option_function<std::vector<std::string>>(
                flag_name(key),
                [&options = options_, key](const std::vector<std::string>& words) { set(options, key, words); }, help)
            ->delimiter(',')
            ->type_name("SERVER");
    }
    void headers(const char* key, const std::vector<std::string>& /*value*/, const char* help) {
        command_
            .add_option_function<std::vector<std::string>>(
                flag_name(key),
                [&options = options_, key](const std::vector<std::string>& headers) {
                    for (const std::string& header : headers) {
                        if (const auto sound = config::check_header(header, "verify_host"); !sound) {
                            throw CLI::ValidationError(flag_name(key), sound.error().line());
                        }
                    }
                    set(options, key, headers);
                },
                help)
            ->type_name("HEADER");
    }
    void number(const char* key, std::int64_t value, std::int64_t min, std::int64_t max, const char* help) {
        command_
            .add_option_function<std::int64_t>(
                flag_name(key), [&options = options_, key](std::int64_t number) { set(options, key, number); },
                with_default(help, std::to_string(value)))
            ->check(CLI::Range(min, max).description(""))
            ->type_name("NUMBER");
    }
    void duration(const char* key, core::Milliseconds value, core::Milliseconds /*min*/, core::Milliseconds /*max*/,
                  const char* help) {
        add(key, help, core::base::print_duration(value), [key](const std::string& text) {
            if (const auto parsed = core::base::parse_duration(text); !parsed) {
                throw CLI::ValidationError(flag_name(key), parsed.error().line());
            }
            return json(text);
        })->type_name("DURATION");
    }
    void statuses(const char* key, const core::http::StatusSet& value, const char* help) {
        command_
            .add_option_function<std::vector<std::string>>(
                flag_name(key),
                [&options = options_, key](const std::vector<std::string>& members) {
                    if (!core::http::StatusSet::parse(members)) {
                        throw CLI::ValidationError(
                            flag_name(key), fmt::format("write statuses from 200 to 599, or classes such as 2xx, each "
                                                        "once and at most {}",
                                                        core::http::StatusSet::members_max));
                    }
                    set(options, key, members);
                },
                with_default(help, value.text()))
            ->delimiter(',')
            ->type_name("STATUS");
    }
    void flag(const char* key, bool /*value*/, const char* help) {
        command_.add_flag_callback(
            flag_name(key), [&options = options_, key] { set(options, key, true); }, help);
    }
    template <typename Enum, std::size_t size>
    void choice(const char* key, Enum value, const config::Word<Enum> (&words)[size], const char* help) {
        std::string names;
        std::string preset;
        for (const auto& word : words) {
            names += (names.empty() ? "" : "|") + std::string(word.name);
            preset = word.value == value ? std::string(word.name) : preset;
        }
        add(key, help, preset, [key, &words, names](const std::string& text) {
            if (std::none_of(std::begin(words), std::end(words), [&](const auto& word) { return word.name == text; })) {
                throw CLI::ValidationError(flag_name(key), "'" + text + "' is none of " + names);
            }
            return json(text);
        })->type_name(names);
    }

private:
    static std::string flag_name(std::string key) {
        std::replace(key.begin(), key.end(), '_', '-');
        return "--" + key;
    }
    static std::string with_default(const std::string& help, const std::string& value) {
        return value.empty() ? help : help + " (" + value + ")";
    }
    template <typename Read>
    CLI::Option* add(const char* key, const char* help, const std::string& value, Read read) {
        return command_.add_option_function<std::string>(
            flag_name(key),
            [&options = options_, key, read](const std::string& text) { set(options, key, read(text)); },
            with_default(help, value));
    }
    static void set(Options& options, const char* key, json value) {
        json settings =
            options.settings.empty() ? json::object() : base::parse_json(options.settings, base::wide_bounds);
        settings[key] = std::move(value);
        options.settings = settings.dump(-1, ' ', false, json::error_handler_t::replace);
    }

    CLI::App& command_;
    Options& options_;
};

CLI::App& add_verb(CLI::App& parent, Options& options, Command command, const std::string& name,
                   const std::string& help, const std::string& footer) {
    CLI::App& added = add_verb(parent, options, command, name, help);
    added.footer(footer);
    return added;
}

void add_at(CLI::App& command, Options& options, core::WallTime now) {
    command
        .add_option_function<std::string>(
            "--at",
            [&options, now](const std::string& text) {
                const auto away = core::base::parse_duration(text);
                const auto time = away ? core::Result<core::WallTime>(now + *away) : core::base::parse_time(text);
                if (!time) {
                    throw CLI::ValidationError("--at", time.error().line());
                }
                options.at = *time;
            },
            "It starts then: 2h, or 2026-11-22T14:00Z")
        ->type_name("TIME");
}

void add_expires(CLI::App& command, Options& options) {
    command
        .add_option_function<std::string>(
            "--expires",
            [&options](const std::string& text) {
                const auto length = core::base::parse_duration(text);
                if (!length || *length > expires_max || *length <= core::Milliseconds{}) {
                    throw CLI::ValidationError("--expires",
                                               length ? "at least 1ms, at most 7d" : length.error().line());
                }
                options.lasts = *length;
            },
            "Give up if not started this long after --at or now")
        ->type_name("DURATION");
}

CLI::App& add_strategy(CLI::App& deploy, Options& options, Command command, const std::string& name,
                       const std::string& help, const std::string& footer) {
    CLI::App& strategy = add_verb(deploy, options, command, name, help, footer);
    strategy.add_option("RECIPE", options.recipe, "[deploy.RECIPE] of the file; flags go over it")->type_name("");
    static config::Recipe defaults;
    config::each_field(defaults, AddFlags(strategy, options));
    strategy.add_option("--recipe-file", options.recipe_file, "Commands of [deploy.RECIPE] in this file")
        ->type_name("FILE");
    strategy.add_option("--override", options.overridden, "Do not ask the guards, for this reason")
        ->type_name("REASON");
    add_why(strategy, options);
    return strategy;
}

// In whole: who may write commands could find two lists with digests that begin alike.
void add_yes_run(CLI::App& command, Options& options) {
    command
        .add_option_function<std::string>(
            "--yes-run",
            [&options](const std::string& text) {
                constexpr std::size_t digits = 64;
                std::string digest = text;
                std::transform(digest.begin(), digest.end(), digest.begin(),
                               [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
                const bool hex =
                    std::all_of(digest.begin(), digest.end(), [](unsigned char c) { return std::isxdigit(c) != 0; });
                if (!hex || digest.size() != digits) {
                    throw CLI::ValidationError("--yes-run",
                                               "it is no digest of 64 hexadecimal digits; "
                                               "gatehouse deploy status and plan print it whole");
                }
                options.yes_run = std::move(digest);
            },
            "Run here the commands with this digest")
        ->type_name("DIGEST");
}

void add_rollback(CLI::App& deploy, Options& options) {
    CLI::App& rollback =
        add_verb(deploy, options, Command::deploy_rollback, "rollback", "Undo the last one, everywhere at once",
                 "Example: gatehouse deploy rollback --run 'ssh {host} release previous'");
    rollback
        .add_option_function<std::string>(
            "--run",
            [&options](const std::string& text) {
                check_command("--run", text);
                options.run = text;
            },
            "The command; else the recipe's rollback")
        ->type_name("TEXT");
    rollback.add_flag("--rolling", options.rolling, "Batch by batch; else all at once");
    rollback.add_flag("--dry-run", options.dry_run, "Print the plan, do nothing");
    add_yes_run(rollback, options);
    add_why(rollback, options);
}

}  // namespace

void add_guard(CLI::App& app, Options& options, core::WallTime now) {
    CLI::App& guard = add_verb(app, options, Command::guard, "guard", "May a deploy start now; why not; when it may",
                               "Example: gatehouse guard --for 30m && gatehouse deploy rolling app\n"
                               "Exit codes: 0 every guard agrees, 1 one does not, or cannot be asked.");
    guard
        .add_option_function<std::string>(
            "--for",
            [&options](const std::string& text) {
                const auto length = core::base::parse_duration(text);
                if (!length || *length > std::chrono::hours(24)) {
                    throw CLI::ValidationError("--for", length ? "at most 24h" : length.error().line());
                }
                options.lasts = *length;
            },
            "Expected duration; schedules must be free (0s)")
        ->type_name("DURATION");
    add_at(guard, options, now);
}

void add_deploy(CLI::App& app, Options& options, core::WallTime now) {
    CLI::App& deploy = *app.add_subcommand("deploy", "Change servers in turn, or all behind the page");
    deploy.require_subcommand(1);
    deploy.footer(
        "Example: gatehouse deploy rolling --pool app --run 'ssh {host} restart' \\\n"
        "             --expect-body 'release 2.3' --why 'release 2.3'\n\n"
        "For each server: guards agree, enough others are left, fence and drain, the\n"
        "command (it runs here, in this terminal), warm up, verify, open, verify as a\n"
        "visitor. A server that fails stays fenced. Ctrl-C pauses; deploy resume goes\n"
        "on, deploy abort ends it. A second Ctrl-C, or a terminal that closes, ends the\n"
        "command that runs here as well.\n"
        "{server}, {host} and {port} in the command are the server's.");
    CLI::App& plan =
        add_strategy(deploy, options, Command::deploy_plan, "plan", "Every step and what it waits for; do nothing",
                     "Example: gatehouse deploy plan --pool app --run 'ssh {host} restart'");
    plan.add_option("--strategy", options.strategy, "rolling (the default) or maintenance")
        ->check(CLI::IsMember({"rolling", "maintenance"}).description(""))
        ->type_name("STRATEGY");
    CLI::App& rolling =
        add_strategy(deploy, options, Command::deploy_rolling, "rolling", "Batch after batch, while the others serve",
                     "Example: gatehouse deploy rolling --pool app --run 'ssh {host} x' --dry-run\n"
                     "Exit codes: 0 every server was deployed and verified, or testers look\n"
                     "(--preview); 1 it stopped; 4 --wait or --expires ran out; 130 left by Ctrl-C.");
    CLI::App& maintenance = add_strategy(deploy, options, Command::deploy_maintenance, "maintenance",
                                         "All at once, while visitors see the page",
                                         "Example: gatehouse deploy maintenance --pool app --run 'ssh {host} migrate'\n"
                                         "The site opens with the first server that is verified.");
    for (CLI::App* strategy : {&rolling, &maintenance}) {
        strategy->add_flag("--dry-run", options.dry_run, "Print the plan, do nothing");
        add_yes_run(*strategy, options);
    }
    for (CLI::App* strategy : {&plan, &rolling, &maintenance}) {
        add_at(*strategy, options, now);
        add_expires(*strategy, options);
    }
    add_rollback(deploy, options);
    CLI::App& status = add_verb(deploy, options, Command::deploy_status, "status", "The rollout under way, or the last",
                                "Example: gatehouse deploy status --watch");
    status.add_option("ID", options.rollout, "Another one")->type_name("");
    status.add_flag("--watch", options.watch, "Follow it to its end");
    add_why(add_verb(deploy, options, Command::deploy_pause, "pause", "Begin no step any more; those under way end",
                     "Example: gatehouse deploy pause --why 'the phone rings'"),
            options);
    CLI::App& resume = add_verb(deploy, options, Command::deploy_resume, "resume", "Go on; what failed is tried again",
                                "Example: gatehouse deploy resume --why 'disk is free again'");
    resume.add_flag("--skip", options.skip, "Mark the failed step as done and continue");
    add_yes_run(resume, options);
    add_why(resume, options);
    add_why(add_verb(deploy, options, Command::deploy_abort, "abort", "End it; touched servers stay fenced",
                     "Example: gatehouse deploy abort --why 'wrong release'"),
            options);
    CLI::App& history = add_verb(deploy, options, Command::deploy_history, "history", "The last rollouts",
                                 "Example: gatehouse deploy history --last 5");
    history.add_option("--last", options.last, "How many (20)")
        ->check(CLI::Range(1, 1000).description(""))
        ->type_name("NUMBER");
    CLI::App& report = add_verb(deploy, options, Command::deploy_report, "report", "Steps, times, what visitors saw",
                                "Example: gatehouse deploy report --json");
    report.add_option("ID", options.rollout, "Another one than the last")->type_name("");
}

}  // namespace appliance::cli
