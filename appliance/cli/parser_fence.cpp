#include "appliance/cli/parser_fence.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>

#include "appliance/cli/verbs.hpp"

namespace appliance::cli {
namespace {

// The kernel's clock for fences runs in seconds.
constexpr core::Milliseconds shortest{1'000};

std::string check_mode(const std::string& text) {
    constexpr std::array<std::string_view, 3> modes{"reset", "icmp", "drop"};
    return std::find(modes.begin(), modes.end(), text) == modes.end() ? unknown_word("mode", text, modes)
                                                                      : std::string();
}

std::string check_scope(const std::string& text) {
    constexpr std::array<std::string_view, 2> scopes{"new", "all"};
    return std::find(scopes.begin(), scopes.end(), text) == scopes.end() ? unknown_word("scope", text, scopes)
                                                                         : std::string();
}

// A point in time, or how far away it is. What lies in the past is a slip of the pen.
core::WallTime parse_until(const std::string& text, core::WallTime now) {
    const auto duration = core::base::parse_duration(text);
    const auto time = duration ? core::Result<core::WallTime>(now + *duration) : core::base::parse_time(text);
    if (!time) {
        throw CLI::ValidationError("--until", time.error().line());
    }
    if (*time <= now) {
        throw CLI::ValidationError("--until", fmt::format("'{}' is not in the future", text));
    }
    return *time;
}

void add_pool(CLI::App& command, Options& options, const std::string& name, const std::string& help) {
    command.add_option(name, options.pool, help)->type_name(name == "POOL" ? "" : "POOL");
}

void add_servers(CLI::App& command, Options& options, const std::string& help) {
    command.add_option("SERVER", options.servers, help)->type_name("")->required();
    add_pool(command, options, "--pool", "Only in this pool; else in all");
}

void add_yes(CLI::App& command, Options& options) {
    command.add_flag("--yes", options.yes, "Do not ask on a terminal");
}

void add_ends(CLI::App& fence, Options& options) {
    auto* drain = add_duration(fence, "--drain", "Wait up to DURATION for in-flight requests to end",
                               [&options](core::Milliseconds duration) {
                                   options.end = FenceEnd::drain;
                                   options.drain = duration;
                               });
    fence
        .add_flag_callback(
            "--kill", [&options] { options.end = FenceEnd::kill; }, "Cut in-flight requests and connections too")
        ->excludes(drain);
    add_duration(fence, "--for", "Lift it by itself after this time", [&options](core::Milliseconds duration) {
        if (duration < shortest) {
            throw CLI::ValidationError("--for", "a fence lasts a second at least; write 1s or more");
        }
        options.lasts = duration;
    });
}

void add_fence(CLI::App& app, Options& options) {
    CLI::App& fence = add_verb(app, options, Command::fence, "fence", "Cut servers off, in one transaction");
    add_servers(fence, options, "The servers to cut off");
    add_mode(fence, options);
    fence
        .add_option_function<std::string>(
            "--scope", [&options](const std::string& scope) { options.all_packets = scope == "all"; },
            "Refuse new flows (the default) or all")
        ->type_name("SCOPE")
        ->check(CLI::Validator(check_scope, ""));
    add_ends(fence, options);
    fence.add_flag("--replace", options.replace,
                   "Replace a fence that somebody else has set;\n"
                   "without it the stricter of the two is kept and\n"
                   "the answer says whose it is");
    add_yes(fence, options);
    add_why(fence, options);
    fence.footer(
        "Example: gatehouse fence web1 --drain 30s --why 'deploying 2.3'\n"
        "Returns when the rule is in the kernel and, with --drain, when the last\n"
        "request has finished (exit code 4 when the time runs out before that, 1 when\n"
        "somebody lifts the fence meanwhile). Standard error tells what is waited for.\n"
        "Ctrl-C says what stands, and leaves it so (exit code 130). Before the last\n"
        "server of a pool is fenced it warns, and asks on a terminal.");
}

}  // namespace

void add_mode(CLI::App& command, Options& options) {
    command.add_option("--mode", options.mode, "How to refuse: reset, icmp or drop")
        ->type_name("MODE")
        ->check(CLI::Validator(check_mode, ""));
}

void add_fences(CLI::App& app, Options& options) {
    add_fence(app, options);
    CLI::App& unfence =
        add_verb(app, options, Command::unfence, "unfence", "Open servers again, after their next passed check");
    add_servers(unfence, options, "The servers to open");
    add_duration(unfence, "--wait", "Wait up to DURATION until it passes a check",
                 [&options](core::Milliseconds duration) { options.wait = duration; });
    unfence.add_flag("--replace", options.replace,
                     "Lift it at once, though a deploy's command runs\n"
                     "there; without it, wait for the command's end");
    add_why(unfence, options);
    unfence.footer(
        "Example: gatehouse unfence web1 --wait 60s\n"
        "With --wait, exit code 4 when no check has passed in time.");
}

void add_maintenance(CLI::App& app, Options& options, core::WallTime now) {
    CLI::App& page = *app.add_subcommand("maintenance", "Show visitors the maintenance page, by hand");
    page.require_subcommand(1);
    page.footer("Example: gatehouse maintenance on app --until 30m --why 'schema change'");
    CLI::App& on = add_verb(page, options, Command::maintenance_on, "on", "Show the page instead of the site");
    add_pool(on, options, "POOL", "Only for this pool; else for all");
    on.add_option("--message", options.message, "What the page says to visitors")->type_name("TEXT");
    on.add_option_function<std::string>(
          "--until", [&options, now](const std::string& text) { options.until = parse_until(text, now); },
          "When it ends: 30m, or 2026-11-22T14:00Z")
        ->type_name("TIME");
    on.footer(
        "Example: gatehouse maintenance on app --message 'Back soon' --until 30m\n"
        "Without a pool it names all that it touches, and asks on a terminal.");
    CLI::App& off = add_verb(page, options, Command::maintenance_off, "off", "Show the site again");
    add_pool(off, options, "POOL", "Only for this pool; else for all");
    off.footer(
        "Example: gatehouse maintenance off app --why 'done'\n"
        "Without a pool it names all that it touches, and asks on a terminal.");
    for (CLI::App* command : {&on, &off}) {
        add_yes(*command, options);
        add_why(*command, options);
    }
    CLI::App& status =
        add_verb(page, options, Command::maintenance_status, "status", "Which pools show the page, and why");
    add_pool(status, options, "POOL", "Only this pool");
    status.footer("Example: gatehouse maintenance status --json");
}

}  // namespace appliance::cli
