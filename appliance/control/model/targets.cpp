#include "appliance/control/model/targets.hpp"

#include <algorithm>
#include <span>

#include "appliance/config/values/nearest.hpp"

namespace appliance::control {
namespace {

template <typename Items>
std::string suggest_name(std::string_view word, const Items& items, std::string_view what) {
    std::vector<std::string_view> names;
    for (const auto& item : items) {
        names.push_back(item.name);
    }
    return config::suggest(word, names, what);
}

tl::unexpected<Refusal> no_pool(const config::Config& config, const std::string& pool) {
    return refuse(404, {"no pool '" + pool + "'", "", suggest_name(pool, config.pools, "pools"), 0});
}

tl::unexpected<Refusal> no_server(const config::Config& config, const std::string& server) {
    return refuse(404, {"no server '" + server + "'", "", suggest_name(server, config.servers, "servers"), 0});
}

template <typename Take>
void each_backend(const config::Config& config, const std::optional<std::string>& only, Take take) {
    for (const config::Pool& pool : config.pools) {
        if (only && *only != pool.name) {
            continue;
        }
        for (const config::Backend& backend : pool.backends) {
            take(Target{pool.name, backend.server, backend.address});
        }
    }
}

}  // namespace

Outcome<std::vector<Target>> find_targets(const config::Config& config, const std::vector<std::string>& servers,
                                          const std::optional<std::string>& pool) {
    if (pool && config.pool(*pool) == nullptr) {
        return no_pool(config, *pool);
    }
    std::vector<Target> targets;
    for (const std::string& server : servers) {
        if (config.server(server) == nullptr) {
            return no_server(config, server);
        }
        const std::size_t before = targets.size();
        each_backend(config, pool, [&](Target target) {
            if (target.server == server) {
                targets.push_back(std::move(target));
            }
        });
        if (targets.size() == before) {
            return refuse(404, {"server '" + server + "' has no backend" + (pool ? " in pool '" + *pool + "'" : ""), "",
                                "add it to the servers of a pool", 0});
        }
    }
    return targets;
}

Outcome<std::vector<Target>> find_fenceable(const config::Config& config, const std::vector<std::string>& servers,
                                            const std::optional<std::string>& pool) {
    auto targets = find_targets(config, servers, pool);
    if (!targets) {
        return targets;
    }
    for (const Target& target : *targets) {
        const config::Server* const server = config.server(target.server);
        if (server != nullptr && server->host == core::Address()) {
            return refuse(409, {target.server + " has no address yet",
                                server->dns_name + " has never been resolved, so nobody is sent there",
                                "gatehouse status says why; nothing was done", 0});
        }
    }
    return targets;
}

Outcome<std::set<core::Address>> find_fenced(const config::Config& config, const Administration& administration,
                                             const std::vector<std::string>& words,
                                             const std::optional<std::string>& pool) {
    if (pool && config.pool(*pool) == nullptr) {
        return no_pool(config, *pool);
    }
    std::set<core::Address> found;
    for (const std::string& word : words) {
        bool known = config.server(word) != nullptr;
        each_backend(config, pool, [&](const Target& target) {
            if (target.server == word && administration.fences.contains(target.address)) {
                found.insert(target.address);
            }
        });
        for (const auto& [address, fence] : administration.fences) {
            const bool named = fence.server == word && (!pool || fence.pool == *pool);
            if (named || address.text() == word) {
                known = true;
                found.insert(address);
            }
        }
        if (!known) {
            return no_server(config, word);
        }
    }
    return found;
}

Outcome<std::vector<std::string>> find_pools(const config::Config& config, const std::optional<std::string>& pool) {
    if (pool && config.pool(*pool) == nullptr) {
        return no_pool(config, *pool);
    }
    std::vector<std::string> pools;
    for (const config::Pool& one : config.pools) {
        if (!pool || *pool == one.name) {
            pools.push_back(one.name);
        }
    }
    return pools;
}

std::vector<Target> fenced_backends(const config::Config& config, const Administration& administration) {
    std::vector<Target> fenced;
    each_backend(config, std::nullopt, [&](Target target) {
        if (administration.fences.contains(target.address)) {
            fenced.push_back(std::move(target));
        }
    });
    return fenced;
}

unsigned weight_of(const Administration& administration, const config::Pool& pool, const config::Backend& backend) {
    const auto by_hand = administration.weights.find({pool.name, backend.server});
    return by_hand == administration.weights.end() ? backend.weight : by_hand->second.weight;
}

std::optional<Target> backend_at(const config::Config& config, const core::Address& address) {
    std::optional<Target> found;
    each_backend(config, std::nullopt, [&](Target target) {
        if (!found && target.address == address) {
            found = std::move(target);
        }
    });
    return found;
}

}  // namespace appliance::control
