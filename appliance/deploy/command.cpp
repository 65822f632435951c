#include "appliance/deploy/command.hpp"

#include "appliance/config/placeholder.hpp"

namespace appliance::deploy {

nlohmann::ordered_json view_command(const config::Config& config, const config::Recipe& recipe, unsigned step,
                                    const std::string& server) {
    core::Address address;
    if (const config::Pool* pool = config.pool(recipe.pool)) {
        for (const config::Backend& backend : pool->backends) {
            address = backend.server == server ? backend.address : address;
        }
    }
    return {
        {"step", step},
        {"command", config::fill_placeholders(recipe.run, {server, address.host(), std::to_string(address.port())})},
        {"server", server},
        {"host", address.host()},
        {"port", address.port()},
        {"timeout_ms", recipe.run_timeout.count()}};
}

}  // namespace appliance::deploy
