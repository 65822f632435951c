#include "appliance/deploy/command.hpp"

namespace appliance::deploy {
namespace {

using Json = nlohmann::ordered_json;

config::ServerCommand command_for(const config::Config& config, const config::Recipe& recipe, config::Purpose purpose,
                                  const std::string& server) {
    config::ServerCommand command;
    command.purpose = purpose;
    command.server = server;
    if (const config::Pool* pool = config.pool(recipe.pool)) {
        for (const config::Backend& backend : pool->backends) {
            if (backend.server == server) {
                command.host = backend.address.host();
                command.port = backend.address.port();
            }
        }
    }
    const bool run = purpose == config::Purpose::run;
    command.text = config::fill(run ? recipe.run : recipe.rollback, command);
    command.source = run ? recipe.run_source : recipe.rollback_source;
    return command;
}

}  // namespace

Json view_command(const config::Config& config, const config::Recipe& recipe, unsigned step,
                  const std::string& server) {
    const config::ServerCommand command = command_for(config, recipe, config::Purpose::run, server);
    return {{"step", step},         {"command", command.text}, {"server", server},
            {"host", command.host}, {"port", command.port},    {"timeout_ms", recipe.run_timeout.count()}};
}

std::vector<config::ServerCommand> commands_of(const config::Config& config, const Rollout& rollout) {
    std::vector<config::ServerCommand> commands;
    const config::Recipe& recipe = rollout.recipe;
    const auto add = [&](config::Purpose purpose) {
        for (const Step& step : rollout.steps) {
            if (step.kind == Kind::run) {
                commands.push_back(command_for(config, recipe, purpose, step.servers.front()));
            }
        }
    };
    add(config::Purpose::run);
    if (recipe.on_failure == config::OnFailure::rollback && rollout.strategy != Strategy::rollback &&
        !recipe.rollback.empty()) {
        add(config::Purpose::rollback);
    }
    return commands;
}

void add_commands(Json& view, const std::vector<config::ServerCommand>& commands) {
    view["commands"] = Json::array();
    for (const config::ServerCommand& command : commands) {
        view["commands"].push_back({{"purpose", config::print(command.purpose)},
                                    {"server", command.server},
                                    {"host", command.host},
                                    {"port", command.port},
                                    {"command", command.text},
                                    {"source", command.source}});
    }
    view["commands_digest"] = config::digest_of(commands);
}

}  // namespace appliance::deploy
