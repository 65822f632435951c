#include "appliance/cli/parser.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>

#include "appliance/api/client.hpp"
#include "appliance/cli/exit_code.hpp"
#include "appliance/cli/parser_configuration.hpp"
#include "appliance/cli/parser_deploy.hpp"
#include "appliance/cli/parser_diagnose.hpp"
#include "appliance/cli/parser_fence.hpp"
#include "appliance/cli/parser_firewall.hpp"
#include "appliance/cli/parser_remote.hpp"
#include "appliance/cli/parser_update.hpp"
#include "appliance/cli/parser_weight.hpp"
#include "appliance/cli/verbs.hpp"
#include "appliance/config/nearest.hpp"

namespace appliance::cli {
namespace {

// Whom a host fence refuses. What could never match a packet is refused here, because a fence that does nothing looks
// just like one that works.
core::Address parse_from(const std::string& text) {
    const auto refuse = [&text](std::string_view why) {
        return CLI::ValidationError("--from", fmt::format("'{}' {}", text, why));
    };
    if (text.find('/') != std::string::npos) {
        throw refuse("is a network; name each balancer's address");
    }
    const auto address = core::Address::parse_host(text, 0);
    if (!address) {
        throw refuse("is not an address; write 10.0.0.5 or fd00::5, names are not looked up");
    }
    if (*address == core::Address{} || *address == *core::Address::parse_host("::", 0)) {
        throw refuse("is nobody's address; name the balancer's");
    }
    return *address;
}

std::uint16_t parse_port(const std::string& text) {
    unsigned port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc() || end != text.data() + text.size() || port == 0 || port > 65535) {
        throw CLI::ValidationError("--port", fmt::format("'{}' is not a port; write a number from 1 to 65535", text));
    }
    return static_cast<std::uint16_t>(port);
}

class Parser {
public:
    explicit Parser(core::WallTime now) : now_(now) {
        app_.name("gatehouse");
        app_.set_version_flag("--version", std::string("gatehouse ") + GATEHOUSE_VERSION);
        app_.set_help_flag("-h,--help", "Print this help");
        // So that --socket may stand behind the command as well.
        app_.fallthrough();
        options_.socket = api::default_socket;
        app_.add_option("--socket", options_.socket, "The daemon's control socket")
            ->type_name("PATH")
            ->envname("GATEHOUSE_SOCKET");
        add_remote(app_, remote_);
        app_.require_subcommand(1);
        app_.footer(
            "Exit codes: 0 done, 1 refused or failed, 2 wrong usage or configuration,\n"
            "3 daemon not reachable, 4 a wait ran out, 130 Ctrl-C.\n"
            "Each command has its own help: gatehouse fence -h");
        add_daemon();
        add_configuration(app_, options_);
        add_readers();
        add_fences(app_, options_);
        add_weight(app_, options_);
        add_update(app_, options_);
        add_host_fence();
        add_maintenance(app_, options_, now_);
        add_firewall(app_, options_);
        add_deploy(app_, options_, now_);
        add_guard(app_, options_, now_);
        add_diagnose(app_, options_);
        add_token(app_, options_);
    }

    tl::expected<Options, Ending> parse(int argc, const char* const* argv) {
        try {
            app_.parse(argc, argv);
            take_remote(remote_, options_);
        } catch (const CLI::CallForHelp&) {
            return tl::unexpected(Ending{done, app_.help()});
        } catch (const CLI::CallForVersion& version) {
            return tl::unexpected(Ending{done, std::string(version.what()) + "\n"});
        } catch (const CLI::Error& error) {
            std::string what = describe(error);
            std::replace(what.begin(), what.end(), '\n', ' ');
            return tl::unexpected(
                Ending{wrong_usage, fmt::format("gatehouse: {}; see {} -h\n", what, command_line(selected()))});
        }
        return options_;
    }

private:
    CLI::App& add(CLI::App& parent, const std::string& name, Command command, const std::string& help,
                  const std::string& example) {
        CLI::App& added = *parent.add_subcommand(name, help);
        added.callback([this, command] { options_.command = command; });
        added.footer("Example: " + example);
        return added;
    }

    void add_why(CLI::App& command) {
        cli::add_why(command, options_);
        add_json(command);
    }

    void add_json(CLI::App& command) { command.add_flag("--json", options_.json, "Print JSON for programs"); }

    void add_pool(CLI::App& command, const std::string& name, const std::string& help) {
        command.add_option(name, options_.pool, help)->type_name(name == "POOL" ? "" : "POOL");
    }

    void add_daemon() {
        CLI::App& run = add(app_, "run", Command::run, "Run the daemon in the foreground",
                            "gatehouse run -c /etc/gatehouse/gatehouse.toml");
        run.add_option("-c,--config", options_.config, "The configuration")->type_name("FILE")->required();
        CLI::App& check = add(app_, "check", Command::check, "Say everything that is wrong with a configuration",
                              "gatehouse check -c gatehouse.toml && gatehouse reload");
        check.add_option("-c,--config", options_.config, "The configuration")->type_name("FILE")->required();
        add_json(check);
        CLI::App& reload = add(app_, "reload", Command::reload, "Take the changed configuration into the daemon",
                               "gatehouse reload --why 'a third server'\n"
                               "No connection is dropped. A file with a problem changes nothing (exit code 2).");
        add_confirm(reload, options_);
        add_why(reload);
        add_upgrade();
    }

    void add_upgrade() {
        CLI::App& upgrade = add(app_, "upgrade", Command::upgrade, "Upgrade the running daemon to the installed binary",
                                "gatehouse upgrade --why 'package 0.2'\n"
                                "Returns when the new version serves. No connection is refused; what is under\n"
                                "way ends in the old proxy, within drain of [proxy]. A binary that cannot run\n"
                                "here changes nothing, one that does not get to serve is given up (code 1).");
        add_duration(upgrade, "--wait", "Wait up to DURATION until it serves (60s)",
                     [this](auto duration) { options_.wait = duration; });
        add_why(upgrade);
    }

    void add_readers() {
        CLI::App& status = add(app_, "status", Command::status, "Listeners, pools and backends: state and reason",
                               "gatehouse status app");
        status.add_option("POOL", options_.pool, "Only this pool")->type_name("");
        add_json(status);
        CLI::App& rules = add(app_, "rules", Command::rules, "Every fence in the kernel: hits, who, why, until",
                              "gatehouse rules --watch");
        auto* watch = rules.add_flag("--watch", options_.watch, "Print again on every change, until Ctrl-C");
        auto* nft = rules.add_flag("--nft", options_.nft, "Print the table as nft does")->excludes(watch);
        rules.add_flag("--json", options_.json, "Print JSON for programs")->excludes(nft);
        CLI::App& metrics = add(app_, "metrics", Command::metrics, "Counters and states for Prometheus",
                                "gatehouse metrics\n"
                                "Prometheus itself asks for /v1/metrics of the API.");
        add_json(metrics);
        CLI::App& events = add(app_, "events", Command::events, "What happens, while it does, until Ctrl-C",
                               "gatehouse events --json | jq 'select(.event == \"health\")'");
        events.add_flag("--all", options_.all, "The last ones from before, too");
        add_json(events);
        CLI::App& audit = add(app_, "audit", Command::audit, "Who changed what, when, from where and why",
                              "gatehouse audit --last 100\n"
                              "An entry is on the disk before its change begins. Entries are kept for 90 days,\n"
                              "the newest 10000 for longer.");
        audit.add_option("--last", options_.last, "How many, the newest first (20)")
            ->check(CLI::Range(1, 10'000).description(""))
            ->type_name("NUMBER");
        add_json(audit);
    }

    void add_host_fence() {
        CLI::App& host = *app_.add_subcommand("host-fence", "On an application server: refuse a balancer");
        host.require_subcommand(1);
        host.footer("Example: gatehouse host-fence add --from 10.0.0.5 --port 80 --for 30m --why 'deploying 2.3'");
        CLI::App& added = add(host, "add", Command::host_fence_add, "Refuse them, until removed or for a time",
                              "gatehouse host-fence add --from 10.0.0.5 --port 80 --for 30m --why 'deploying 2.3'\n"
                              "Established connections go on. A second add replaces mode, reason and time of the\n"
                              "first. Needs root or CAP_NET_ADMIN.");
        add_host_backends(added);
        add_mode(added, options_);
        add_duration(added, "--for", "Lift it by itself after this time; the kernel does, nothing has to run",
                     [this](auto duration) {
                         if (duration == core::Milliseconds{}) {
                             throw CLI::ValidationError("--for", "a fence for no time is none; write 30m, or remove");
                         }
                         options_.lasts = duration;
                     });
        add_why(added);
        CLI::App& removed = add(host, "remove", Command::host_fence_remove, "Let them in again",
                                "gatehouse host-fence remove --from 10.0.0.5 --port 80\n"
                                "What is not fenced is no error. The last fence takes the nftables table with it.");
        add_host_backends(removed);
        add_why(removed);
        CLI::App& list = add(host, "list", Command::host_fence_list, "Every host fence in the kernel: hits, who, why",
                             "gatehouse host-fence list --json");
        add_json(list);
    }

    void add_host_backends(CLI::App& command) {
        static constexpr std::size_t fences_max = 10'000;
        command
            .add_option_function<std::vector<std::string>>(
                "--from",
                [this](const std::vector<std::string>& words) {
                    std::transform(words.begin(), words.end(), std::back_inserter(options_.from), parse_from);
                },
                "The balancer's addresses, one or several")
            ->type_name("ADDRESS")
            ->delimiter(',')
            ->required();
        command
            .add_option_function<std::vector<std::string>>(
                "--port",
                [this](const std::vector<std::string>& words) {
                    std::transform(words.begin(), words.end(), std::back_inserter(options_.ports), parse_port);
                },
                "This server's TCP ports, one or several")
            ->type_name("PORT")
            ->delimiter(',')
            ->required();
        command.parse_complete_callback([this] {
            if (options_.from.size() * options_.ports.size() > fences_max) {
                throw CLI::ValidationError("--port", fmt::format("more than {} fences at once", fences_max));
            }
        });
    }

    // The library only says that a subcommand is missing, even where one was mistyped; and what was not expected, but
    // not what it is like.
    std::string describe(const CLI::Error& error) const {
        std::vector<std::string_view> names;
        for (const CLI::App* command : selected().get_subcommands([](const CLI::App*) { return true; })) {
            names.push_back(command->get_name());
        }
        const auto rest = app_.remaining(true);
        const auto option =
            std::find_if(rest.begin(), rest.end(), [](const auto& word) { return word.starts_with('-'); });
        if (option != rest.end()) {
            return unknown_option(*option);
        }
        if (names.empty()) {
            return error.what();
        }
        return rest.empty() ? fmt::format("name a command: {}", fmt::join(names, ", "))
                            : unknown_word("command", rest.front(), names);
    }

    // The list of all that there are is in the help.
    std::string unknown_option(const std::string& word) const {
        std::vector<std::string> known;
        for (const CLI::App* app = &selected(); app != nullptr; app = app->get_parent()) {
            for (const CLI::Option* option : app->get_options()) {
                for (const std::string& name : option->get_lnames()) {
                    known.push_back("--" + name);
                }
            }
        }
        const std::vector<std::string_view> names(known.begin(), known.end());
        const auto near = config::nearest(std::string_view(word).substr(0, word.find('=')), names);
        return fmt::format("unknown option '{}'{}", word,
                           near.empty() ? "" : fmt::format(", did you mean '{}'?", near));
    }

    // The innermost command that was named.
    const CLI::App& selected() const {
        const CLI::App* app = &app_;
        while (!app->get_subcommands().empty()) {
            app = app->get_subcommands().front();
        }
        return *app;
    }

    static std::string command_line(const CLI::App& app) {
        return app.get_parent() == nullptr ? app.get_name() : command_line(*app.get_parent()) + " " + app.get_name();
    }

    core::WallTime now_;
    Options options_;
    RemoteWords remote_;
    CLI::App app_{"Gatehouse, the load balancer. Each command speaks to the running daemon."};
};

}  // namespace

tl::expected<Options, Ending> parse(int argc, const char* const* argv, core::WallTime now) {
    return Parser(now).parse(argc, argv);
}

}  // namespace appliance::cli
