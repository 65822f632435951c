#include "appliance/deploy/command.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace appliance::deploy {

nlohmann::ordered_json view_command(const config::Config& config, const config::Recipe& recipe, unsigned step,
                                    const std::string& server) {
    core::Address address;
    if (const config::Pool* pool = config.pool(recipe.pool)) {
        for (const config::Backend& backend : pool->backends) {
            address = backend.server == server ? backend.address : address;
        }
    }
    return {{"step", step},           {"command", fill_in(recipe.run, server, address)},
            {"server", server},       {"host", address.host()},
            {"port", address.port()}, {"timeout_ms", recipe.run_timeout.count()}};
}

std::string fill_in(std::string command, const std::string& server, const core::Address& backend) {
    const std::array<std::pair<std::string_view, std::string>, 3> values{
        {{"{server}", server}, {"{host}", backend.host()}, {"{port}", std::to_string(backend.port())}}};
    for (const auto& [name, value] : values) {
        for (auto at = command.find(name); at != std::string::npos; at = command.find(name, at + value.size())) {
            command.replace(at, name.size(), value);
        }
    }
    return command;
}

}  // namespace appliance::deploy
