#include "appliance/control/sync/redirects.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "appliance/config/model/forwarding.hpp"
#include "appliance/control/model/targets.hpp"
#include "appliance/control/observe/views.hpp"
#include "core/base/verify.hpp"

namespace appliance::control {
namespace {

using Json = nlohmann::ordered_json;

netfilter::Spread spread_of(config::Balance balance) {
    switch (balance) {
        case config::Balance::source_hash:
            return netfilter::Spread::source;
        case config::Balance::random_two:
            return netfilter::Spread::random;
        case config::Balance::round_robin:
        case config::Balance::least_connections:
            return netfilter::Spread::in_turn;
    }
    VERIFY(false);
}

Json* find_named(Json& list, const char* key, const std::string& name) {
    const auto found =
        std::find_if(list.begin(), list.end(), [&](const Json& item) { return item.value(key, "") == name; });
    return found == list.end() ? nullptr : &*found;
}

bool was_eligible(std::span<const netfilter::Redirect> before, const core::Address& backend) {
    return std::any_of(before.begin(), before.end(), [&backend](const netfilter::Redirect& redirect) {
        return std::any_of(redirect.backends.begin(), redirect.backends.end(),
                           [&backend](const auto& each) { return each.address == backend && each.eligible; });
    });
}

bool is_well(Health health, std::span<const netfilter::Redirect> before, const core::Address& backend) {
    switch (health) {
        case Health::up:
            return true;
        case Health::down:
            return false;
        case Health::unknown:
            return was_eligible(before, backend);
    }
    VERIFY(false);
}

// What the report says of a server may be of the address that it had before a reload.
bool is_of(const nlohmann::json& report, const std::string& pool, const config::Backend& backend) {
    const std::string address = address_in(report, pool, backend.server);
    return address.empty() || address == backend.address.text();
}

// No check has asked the servers that a reload has brought: those before them serve until the first verdict of each.
void lean_on(std::span<const netfilter::Redirect> before, const Administration& administration,
             netfilter::Redirect& redirect) {
    for (const netfilter::Redirect& former : before) {
        if (former.listener != redirect.listener) {
            continue;
        }
        for (const netfilter::RedirectBackend& each : former.backends) {
            const bool there = std::any_of(redirect.backends.begin(), redirect.backends.end(),
                                           [&each](const auto& own) { return own.address == each.address; });
            if (each.eligible && !there && !administration.fences.contains(each.address) &&
                redirect.backends.size() < netfilter::Redirect::backends_max) {
                redirect.backends.push_back(each);
            }
        }
    }
}

// A pool of two listeners has one count for a backend, which both say, and slots for each.
void view_backends(const config::Pool& pool, const core::Address& listener,
                   std::span<const netfilter::RedirectCount> counts, Json& view) {
    for (const config::Backend& backend : pool.backends) {
        Json* shown = find_named(view["backends"], "server", backend.server);
        const auto count = std::find_if(counts.begin(), counts.end(), [&](const auto& each) {
            return each.listener == listener && each.backend == backend.address;
        });
        if (shown != nullptr && count != counts.end()) {
            (*shown)["total"] = count->connections;
            (*shown)["slots"] = count->slots;
        }
    }
}

}  // namespace

std::vector<netfilter::Redirect> make_redirects(const config::Config& config, const Administration& administration,
                                                const nlohmann::json& report,
                                                std::span<const netfilter::Redirect> before) {
    std::vector<netfilter::Redirect> redirects;
    for (const config::Listener& listener : config.listeners) {
        if (!config.in_kernel(listener)) {
            continue;
        }
        const config::Pool& pool = *config.pool(listener.pool);
        netfilter::Redirect redirect{listener.name, listener.address, spread_of(pool.balance), pool.masquerade, {}};
        const bool open = !administration.maintenance.contains(pool.name);
        bool waits = false;
        bool served = false;
        for (const config::Backend& backend : pool.backends) {
            if (!backend.has_address()) {
                continue;
            }
            const Health health =
                is_of(report, pool.name, backend) ? health_in(report, pool.name, backend.server) : Health::unknown;
            const bool checked = health != Health::unknown;
            const bool well = is_well(health, before, backend.address);
            const bool eligible = open && well && !administration.fences.contains(backend.address);
            waits = waits || !checked;
            served = served || eligible;
            const auto weight = static_cast<std::uint16_t>(weight_of(administration, pool, backend));
            redirect.backends.push_back({backend.address, weight, backend.backup, eligible});
        }
        if (open && waits && !served) {
            lean_on(before, administration, redirect);
        }
        redirects.push_back(std::move(redirect));
    }
    return redirects;
}

bool all_checked(const config::Config& config, const nlohmann::json& report) {
    return std::all_of(config.listeners.begin(), config.listeners.end(), [&](const config::Listener& listener) {
        const config::Pool* pool = config.pool(listener.pool);
        return !config.in_kernel(listener) ||
               std::all_of(pool->backends.begin(), pool->backends.end(), [&](const config::Backend& backend) {
                   return !backend.has_address() || health_in(report, pool->name, backend.server) != Health::unknown;
               });
    });
}

void view_redirects(const config::Config& config, std::span<const netfilter::RedirectCount> counts,
                    const std::map<core::Address, std::uint64_t>& active, Json& status) {
    for (const config::Pool& pool : config.pools) {
        Json* shown = find_named(status["pools"], "name", pool.name);
        if (shown == nullptr) {
            continue;
        }
        (*shown)["plane"] = config::print(pool.plane);
        if (const auto missing = config::missing_forwarding(pool); !missing.empty()) {
            (*shown)["trouble"] = missing;
        }
        for (const config::Backend& backend : pool.backends) {
            Json* its = find_named((*shown)["backends"], "server", backend.server);
            if (its != nullptr && pool.plane == config::Plane::kernel) {
                const auto count = active.find(backend.address);
                (*its)["active"] = count == active.end() ? Json() : Json(count->second);
            }
        }
        for (const config::Listener& listener : config.listeners) {
            if (listener.pool == pool.name && pool.plane == config::Plane::kernel) {
                view_backends(pool, listener.address, counts, *shown);
            }
        }
    }
}

}  // namespace appliance::control
