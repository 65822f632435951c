#include "appliance/control/observe/assessment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

namespace appliance::control {
namespace {

using nlohmann::json;

constexpr core::Milliseconds patience_max{5'000};
constexpr std::size_t servers_shown = 3;

// The checks of a pool's backends in a report, by server.
std::map<std::string, json> checks_of(const json& report, const std::string& pool) {
    std::map<std::string, json> checks;
    const json pools = report.is_object() ? report.value("pools", json::array()) : json::array();
    for (const json& each : pools) {
        if (each.value("name", "") != pool) {
            continue;
        }
        for (const json& backend : each.value("backends", json::array())) {
            checks[backend.value("server", "")] = backend.value("check", json());
        }
    }
    return checks;
}

enum class Word { passes, fails, nothing };

// A verdict of the check before the change is none of the new one.
Word word_of(const json& check) {
    const bool carried = check.is_object() && check.value("carried", false);
    const std::string state = check.is_object() ? check.value("state", "unknown") : "unknown";
    return carried || state == "unknown" ? Word::nothing : state == "up" ? Word::passes : Word::fails;
}

std::string why_of(const json& check) {
    return check.is_object() ? check.value("why", "") : "no check has ended yet";
}

bool is_served(const json& report, const std::string& pool) {
    const auto checks = checks_of(report, pool);
    return std::any_of(checks.begin(), checks.end(), [](const auto& entry) {
        return entry.second.is_object() && entry.second.value("state", "") == "up";
    });
}

// The pools that a listener and its routes name, each with the one that it named before.
void add_successors(const config::Listener& before, const config::Listener& after,
                    std::map<std::string, std::string>& successors) {
    successors.emplace(after.pool, before.pool);
    for (const core::balance::Route& route : after.routes) {
        const auto same = std::find_if(before.routes.begin(), before.routes.end(), [&](const auto& each) {
            return each.host == route.host && each.path == route.path;
        });
        successors.emplace(route.pool, same == before.routes.end() ? before.pool : same->pool);
    }
}

std::string line(const config::Pool& pool, const std::map<std::string, json>& checks, std::string_view what) {
    std::string servers;
    for (std::size_t i = 0; i < pool.backends.size() && i < servers_shown; ++i) {
        const auto found = checks.find(pool.backends[i].server);
        servers += fmt::format("{}{}: {}", i == 0 ? "" : ", ", pool.backends[i].server,
                               found == checks.end() ? why_of(json()) : why_of(found->second));
    }
    const std::size_t more = pool.backends.size() - std::min(pool.backends.size(), servers_shown);
    return fmt::format("pool {}: {} ({}{})", pool.name, what, servers,
                       more == 0 ? "" : fmt::format(", and {} more", more));
}

}  // namespace

std::set<std::string> served_before(const config::Config& before, const json& report, const config::Config& after) {
    std::map<std::string, std::string> successors;
    for (const config::Listener& listener : after.listeners) {
        const auto old = std::find_if(before.listeners.begin(), before.listeners.end(),
                                      [&](const config::Listener& each) { return each.address == listener.address; });
        if (old != before.listeners.end()) {
            add_successors(*old, listener, successors);
        }
    }
    std::set<std::string> served;
    for (const config::Pool& pool : after.pools) {
        const auto successor = successors.find(pool.name);
        const bool known = before.pool(pool.name) != nullptr;
        if (known ? is_served(report, pool.name)
                  : successor != successors.end() && is_served(report, successor->second)) {
            served.insert(pool.name);
        }
    }
    return served;
}

Assessment assess(const config::Config& config, const std::set<std::string>& served, const json& report) {
    Assessment result;
    for (const std::string& name : served) {
        const config::Pool* const pool = config.pool(name);
        if (pool == nullptr) {
            continue;
        }
        const auto checks = checks_of(report, name);
        bool passes = false;
        bool fails = true;
        for (const config::Backend& backend : pool->backends) {
            const auto found = checks.find(backend.server);
            const Word word = found == checks.end() ? Word::nothing : word_of(found->second);
            passes = passes || word == Word::passes;
            fails = fails && word == Word::fails;
        }
        if (!passes && fails) {
            result.dark.push_back(line(*pool, checks, "no server passes its check"));
        } else if (!passes) {
            result.decided = false;
            result.doubtful.push_back(line(*pool, checks, "no server has passed its check yet"));
        }
    }
    return result;
}

core::Milliseconds patience_for(const config::Config& config, const std::set<std::string>& served) {
    core::Milliseconds longest{0};
    for (const std::string& name : served) {
        if (const config::Pool* const pool = config.pool(name); pool != nullptr) {
            longest = std::max(longest, (pool->check.interval + pool->check.timeout) * pool->check.fall);
        }
    }
    return std::min(longest, patience_max);
}

}  // namespace appliance::control
