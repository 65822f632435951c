#include "appliance/cli/views/backends.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

namespace appliance::cli {
namespace {

constexpr const char* without_address = "without an address";

}  // namespace

std::vector<NamedBackend> named_backends(const Json& status, const std::vector<std::string>& servers,
                                         const std::optional<std::string>& pool) {
    std::vector<NamedBackend> named;
    for (const Json& one : items(status, "pools")) {
        const std::string name = text(one, "name");
        for (const Json& backend : items(one, "backends")) {
            const std::string server = text(backend, "server");
            const bool meant = std::find(servers.begin(), servers.end(), server) != servers.end();
            if (meant && (!pool || *pool == name)) {
                named.push_back({name, server, text(backend, "address"), &backend});
            }
        }
    }
    return named;
}

bool has_visitors(const Json& status, const std::string& pool) {
    const Json& listeners = items(status, "listeners");
    return std::any_of(listeners.begin(), listeners.end(), [&pool](const Json& listener) {
        const Json& routes = items(listener, "routes");
        const bool leads = text(listener, "pool") == pool ||
                           std::any_of(routes.begin(), routes.end(),
                                       [&pool](const Json& route) { return text(route, "pool") == pool; });
        return leads && text(listener, "mode") == "http";
    });
}

std::string why_nobody_serves(const Json& pool) {
    if (text(pool, "state") != "down") {
        return {};
    }
    std::map<std::string, std::int64_t> states;
    for (const Json& backend : items(pool, "backends")) {
        ++states[text(backend, "address").empty() ? without_address : text(backend, "state", "unknown")];
    }
    const bool known = std::all_of(states.begin(), states.end(), [](const auto& one) {
        return one.first == "fenced" || one.first == "down" || one.first == without_address;
    });
    if (!known || states.empty()) {
        return {};
    }
    if (states.size() == 1) {
        return "every server is " + states.begin()->first;
    }
    if (const auto nowhere = states[without_address]; nowhere > 0) {
        return fmt::format("{} without an address, {} down, {} fenced", print_number(nowhere, "server"), states["down"],
                           states["fenced"]);
    }
    return fmt::format("{} down, {} fenced", print_number(states["down"], "server"), states["fenced"]);
}

std::string what_visitors_meet(const Json& status, const Json& pool) {
    const std::string why = why_nobody_serves(pool);
    if (why.empty()) {
        return {};
    }
    const bool page = has_visitors(status, text(pool, "name"));
    return fmt::format("{}: {}", page ? "visitors see the page" : "clients are turned away", why);
}

}  // namespace appliance::cli
