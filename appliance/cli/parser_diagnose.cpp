#include "appliance/cli/parser_diagnose.hpp"

#include <CLI/CLI.hpp>

#include "appliance/cli/verbs.hpp"
#include "core/base/duration.hpp"

namespace appliance::cli {
namespace {

constexpr core::Milliseconds timeout_max{10'000};

void add_target(CLI::App& command, Options& options, const std::string& name, const std::string& help) {
    command.add_option(name, options.target, help)->type_name("")->required();
    command
        .add_option_function<std::string>(
            "--timeout",
            [&options](const std::string& text) {
                const auto duration = core::base::parse_duration(text);
                if (!duration || *duration < core::Milliseconds{1} || *duration > timeout_max) {
                    throw CLI::ValidationError("--timeout", "'" + text + "' is not a duration from 1ms to 10s");
                }
                options.wait = *duration;
            },
            "How long it may take in all (5s)")
        ->type_name("DURATION");
}

void add_reach(CLI::App& app, Options& options) {
    CLI::App& connect =
        add_verb(app, options, Command::connect, "connect", "Test a TCP connection from the daemon's machine");
    add_target(connect, options, "HOST", "A name or an address");
    connect.add_option("PORT", options.port, "1 to 65535")
        ->type_name("")
        ->required()
        ->check(CLI::Range(1, 65'535).description(""));
    connect.footer(
        "Example: gatehouse connect 10.0.0.11 80\n"
        "The connection is made by the daemon's machine, and closed at once. Exit code 1\n"
        "where there is none. A server's fence refuses this as well; checks pass it.");
    CLI::App& resolve = add_verb(app, options, Command::resolve, "resolve", "Resolve a name on the daemon's machine");
    add_target(resolve, options, "NAME", "The name");
    resolve.footer("Example: gatehouse resolve calendar.example.org");
    CLI::App& ping = add_verb(app, options, Command::ping, "ping", "Send ICMP echoes from the daemon's machine");
    add_target(ping, options, "HOST", "A name or an address");
    ping.add_option("--count", options.count, "How many echoes, 1 to 10 (3)")
        ->check(CLI::Range(1, 10).description(""))
        ->type_name("NUMBER");
    ping.footer(
        "Example: gatehouse ping 10.0.0.11 --count 10\n"
        "Needs the group gatehouse in the daemon's sysctl net.ipv4.ping_group_range.");
}

}  // namespace

void add_diagnose(CLI::App& app, Options& options) {
    add_reach(app, options);
    CLI::App& log = add_verb(app, options, Command::log, "log", "The last lines of the daemon's log");
    log.add_option("--lines", options.lines, "How many, 1 to 1000 (100)")
        ->check(CLI::Range(1, 1'000).description(""))
        ->type_name("NUMBER");
    log.footer(
        "Example: gatehouse log --lines 20\n"
        "What the control process has logged since its start. Requests are not among\n"
        "them; 'gatehouse events' goes on with what comes.");
    CLI::App& support =
        add_verb(app, options, Command::support, "support", "Write a support bundle (secrets redacted)");
    support.add_option("--output", options.output, "The file (gatehouse-support-TIME.json)")->type_name("FILE");
    support.footer(
        "Example: gatehouse support --output gate.json\n"
        "Secrets of the configuration are blotted out; look through it all the same.\n"
        "With --json it is printed, and no file is written.");
}

}  // namespace appliance::cli
