#include "appliance/cli/deploy/permit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "appliance/cli/terminal/style.hpp"

namespace appliance::cli {

core::Result<void> Permit::check(const config::ServerCommand& command) const {
    const std::string what = fmt::format("refused the command of {}, nothing was run for it", clean(command.server));
    if (auto plain = config::check_values(command); !plain) {
        return core::fail(what, clean(plain.error().line()), "does the daemon at the other end still belong to you?");
    }
    if (std::any_of(accepted_.begin(), accepted_.end(), [&](const auto& seen) { return seen.same(command); })) {
        return {};
    }
    const std::string sent = "the daemon sent " + print_command(command.text);
    const auto& own = command.purpose == config::Purpose::run ? own_.run : own_.rollback;
    if (!own) {
        return core::fail(what, sent + ", which nobody has agreed to here",
                          "gatehouse deploy resume shows the commands, and asks");
    }
    const std::string wanted = config::fill(*own, command);
    return wanted == command.text
               ? core::Result<void>()
               : core::fail(what, fmt::format("{}, where your command is {}", sent, print_command(wanted)),
                            "gatehouse deploy status shows whose it is");
}

bool Permit::allows_all(const std::vector<config::ServerCommand>& commands) const {
    return std::all_of(commands.begin(), commands.end(),
                       [this](const config::ServerCommand& command) { return check(command).has_value(); });
}

Permit Permit::undoing() const {
    Permit undo(OwnCommands{own_.rollback, {}});
    for (config::ServerCommand command : accepted_) {
        if (std::exchange(command.purpose, config::Purpose::run) == config::Purpose::rollback) {
            undo.accepted_.push_back(std::move(command));
        }
    }
    return undo;
}

std::optional<std::vector<config::ServerCommand>> commands_in(const Json& rollout) {
    if (!field(rollout, "commands").is_array()) {
        return std::nullopt;
    }
    std::vector<config::ServerCommand> commands;
    for (const Json& item : items(rollout, "commands")) {
        const std::string purpose = text(item, "purpose");
        const auto port = number(item, "port");
        if ((purpose != "run" && purpose != "rollback") || port < 0 || port > 65'535) {
            return std::nullopt;
        }
        commands.push_back({purpose == "run" ? config::Purpose::run : config::Purpose::rollback, text(item, "server"),
                            text(item, "host"), static_cast<std::uint16_t>(port), text(item, "command"),
                            text(item, "source")});
    }
    return commands;
}

std::string print_command(const std::string& text) {
    return clean(text) == text ? text : Json(text).dump(-1, ' ', true, Json::error_handler_t::replace);
}

}  // namespace appliance::cli
