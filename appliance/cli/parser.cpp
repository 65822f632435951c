#include "appliance/cli/parser.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <utility>
#include <vector>

#include "appliance/cli/client/arguments.hpp"
#include "appliance/cli/client/exit_code.hpp"
#include "appliance/cli/command_table.hpp"
#include "appliance/cli/remote.hpp"
#include "appliance/config/values/nearest.hpp"

namespace appliance::cli {
namespace {

class Parser {
public:
    explicit Parser(Common common) : common_(std::make_unique<Common>(std::move(common))) {
        app_.name("gatehouse");
        app_.set_version_flag("--version", std::string("gatehouse ") + GATEHOUSE_VERSION);
        app_.set_help_flag("-h,--help", "Print this help");
        // So that --socket may stand behind the command as well.
        app_.fallthrough();
        app_.add_option("--socket", common_->socket, "The daemon's control socket")
            ->type_name("PATH")
            ->envname("GATEHOUSE_SOCKET");
        add_remote(app_, remote_);
        app_.require_subcommand(1);
        app_.footer(
            "Exit codes: 0 done, 1 refused or failed, 2 wrong usage or configuration,\n"
            "3 daemon not reachable, 4 a wait ran out, 130 Ctrl-C.\n"
            "Each command has its own help: gatehouse fence -h");
        for (const Row& row : command_table()) {
            add(row);
        }
    }

    tl::expected<Invocation, Ending> parse(int argc, const char* const* argv) {
        try {
            app_.parse(argc, argv);
            take_remote(remote_, commands_[named_]->is_local(), *common_);
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
        return Invocation{std::move(common_), std::move(commands_[named_])};
    }

private:
    void add(const Row& row) {
        const auto space = row.verb.rfind(' ');
        const bool below = space != std::string_view::npos;
        CLI::App& parent = below ? *app_.get_subcommand(std::string(row.verb.substr(0, space))) : app_;
        CLI::App& added =
            *parent.add_subcommand(std::string(below ? row.verb.substr(space + 1) : row.verb), std::string(row.help));
        if (row.make == nullptr) {
            added.require_subcommand(1);
            added.footer(std::string(row.footer));
            return;
        }
        const std::size_t index = commands_.size();
        Command& command = *commands_.emplace_back((*row.make)(*common_));
        if (!command.is_daemon()) {
            add_json(added, *common_);
        }
        command.declare(added, *common_);
        added.callback([this, index] {
            commands_[index]->check();
            named_ = index;
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

    // Before app_: its options write into them.
    std::unique_ptr<Common> common_;
    std::vector<std::unique_ptr<Command>> commands_;
    std::size_t named_ = 0;  // by the command line
    RemoteWords remote_;
    CLI::App app_{"Gatehouse, the load balancer. Each command speaks to the running daemon."};
};

}  // namespace

tl::expected<Invocation, Ending> parse(int argc, const char* const* argv, Common common) {
    return Parser(std::move(common)).parse(argc, argv);
}

}  // namespace appliance::cli
