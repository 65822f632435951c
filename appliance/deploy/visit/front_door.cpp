#include "appliance/deploy/visit/front_door.hpp"

#include <algorithm>

namespace appliance::deploy {
namespace {

// The loopback, where a listener listens on every address.
core::Address reach(const core::Address& listening) {
    if (std::any_of(listening.bytes().begin(), listening.bytes().end(), [](auto byte) { return byte != 0; })) {
        return listening;
    }
    return *core::Address::parse_host(listening.is_v4() ? "127.0.0.1" : "::1", listening.port());
}

// A host that a route with this pattern takes.
std::string host_for(const std::string& pattern) {
    return pattern.starts_with("*.") ? "gatehouse" + pattern.substr(1) : pattern;
}

std::string without_port(const std::string& host) {
    const auto colon = host.rfind(':');
    const bool port = colon != std::string::npos && host.find(']', colon) == std::string::npos;
    return port ? host.substr(0, colon) : host;
}

}  // namespace

const std::string& front_path(const config::Recipe& recipe) {
    return recipe.verify_port == 0 ? recipe.verify_path : recipe.warm_path;
}

std::optional<FrontDoor> find_front_door(const config::Config& config, const config::Recipe& recipe) {
    const std::string& path = front_path(recipe);
    const config::Pool* pool = config.pool(recipe.pool);
    for (const config::Listener& listener : config.listeners) {
        if (listener.mode != config::Mode::http || listener.proxy_protocol || pool == nullptr) {
            continue;
        }
        std::vector<std::string> hosts{!recipe.host.empty() ? recipe.host : pool->check.host};
        for (const auto& route : listener.routes) {
            if (route.pool == recipe.pool) {
                hosts.push_back(host_for(route.host));
            }
        }
        for (const std::string& host : hosts) {
            const auto* route = core::balance::find_route(listener.routes, without_port(host), path);
            if ((route == nullptr ? listener.pool : route->pool) == recipe.pool) {
                return FrontDoor{listener.name, {.to = reach(listener.address), .host = host, .path = path}};
            }
        }
    }
    return std::nullopt;
}

bool speaks_http(const config::Config& config, const config::Pool& pool) {
    return pool.check.type == config::CheckType::http ||
           std::any_of(config.listeners.begin(), config.listeners.end(), [&](const config::Listener& listener) {
               const auto& routes = listener.routes;
               return listener.mode == config::Mode::http &&
                      (listener.pool == pool.name || std::any_of(routes.begin(), routes.end(), [&](const auto& route) {
                           return route.pool == pool.name;
                       }));
           });
}

}  // namespace appliance::deploy
