#include "appliance/control/link/messages.hpp"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "appliance/config/model/fields.hpp"
#include "appliance/config/model/link_fields.hpp"
#include "appliance/control/model/targets.hpp"
#include "appliance/control/model/workers.hpp"
#include "appliance/guard/calendar/zone.hpp"

namespace appliance::control {
namespace {

using nlohmann::json;

template <typename Settings>
json write_fields(const Settings& values) {
    json object;
    config::each_field(values, config::ToLink(object));
    return object;
}

json write_pool(const config::Pool& pool) {
    json backends = json::array();
    for (const config::Backend& backend : pool.backends) {
        if (backend.has_address()) {  // else there is nothing to check, and nowhere to send a request
            json& written = backends.emplace_back(write_fields<core::proxy::BackendSettings>(backend));
            written.update({{"server", backend.server}, {"address", backend.address.text()}});
        }
    }
    json written = write_fields<core::proxy::PoolSettings>(pool);
    written.update({{"name", pool.name}, {"check", write_fields(pool.check)}, {"backends", std::move(backends)}});
    return written;
}

json write_listener(const config::Listener& listener, unsigned sockets) {
    json routes = json::array();
    for (const core::balance::Route& route : listener.routes) {
        routes.push_back({{"host", route.host}, {"path", route.path}, {"pool", route.pool}});
    }
    json written = write_fields<core::proxy::ListenerSettings>(listener);
    written.update({{"name", listener.name},
                    {"address", listener.address.text()},
                    {"pool", listener.pool},
                    {"routes", std::move(routes)},
                    {"fds", sockets}});
    return written;
}

json write_bypass(const config::Maintenance& maintenance) {
    json networks = json::array();
    for (const core::Network& network : maintenance.bypass) {
        networks.push_back(network.text());
    }
    return {{"networks", std::move(networks)},
            {"cookie", maintenance.bypass_cookie},
            {"header", maintenance.bypass_header}};
}

// As visitors read it: "2026-12-24 06:00 CET".
json print_local(const config::Config& config, const std::optional<core::WallTime>& until) {
    return until ? json(guard::system_zone_or_utc(config.maintenance.timezone)->print(*until)) : json();
}

}  // namespace

ProbeSockets count_probes(const config::Config& config) {
    ProbeSockets count;
    for (const config::Pool& pool : config.pools) {
        for (const config::Backend& backend : pool.backends) {
            if (backend.has_address()) {
                ++(backend.address.is_v4() ? count.v4 : count.v6);
            }
        }
    }
    return count;
}

ProbeSockets most_probes(const config::Config& config) {
    ProbeSockets count = count_probes(config);
    for (const config::Pool& pool : config.pools) {
        const auto open = std::count_if(pool.backends.begin(), pool.backends.end(),
                                        [](const config::Backend& backend) { return !backend.has_address(); });
        count.v4 += static_cast<std::size_t>(open);
        count.v6 += static_cast<std::size_t>(open);
    }
    return count;
}

json configure_message(const config::Config& config) {
    const unsigned workers = worker_count(config);
    json listeners = json::array();
    for (const config::Listener& listener : config.listeners) {
        if (config.in_kernel(listener)) {
            continue;
        }
        listeners.push_back(write_listener(listener, workers));
    }
    json pools = json::array();
    for (const config::Pool& pool : config.pools) {
        pools.push_back(write_pool(pool));
    }
    const auto retry_after = std::chrono::ceil<std::chrono::seconds>(config.maintenance.retry_after);
    const ProbeSockets probes = count_probes(config);
    return {{"type", "configure"},
            {"workers", workers},
            {"listeners", std::move(listeners)},
            {"pools", std::move(pools)},
            {"maintenance",
             {{"page", config.maintenance.bytes},
              {"retry_after_s", retry_after.count()},
              {"bypass", write_bypass(config.maintenance)}}},
            {"timeouts", write_fields(config.timeouts)},
            {"relay_drain_ms", config.proxy.relay_drain.count()},
            {"limits", write_fields(config.limits)},
            {"zero_copy", config.proxy.zero_copy == config::ZeroCopy::automatic},
            {"log", {{"exchanges", config.log.exchanges}}},
            {"probe_sockets", {{"v4", probes.v4}, {"v6", probes.v6}}}};
}

void hold_while_on_trial(json& configure_message) {
    constexpr std::int64_t least_ms = 1'000;
    for (json& pool : configure_message["pools"]) {
        pool["hold"] = std::max(pool["hold"].get<std::int64_t>(), least_ms);
    }
}

json administer_message(const config::Config& config, const Administration& administration, Known known) {
    json fences = json::array();
    for (const Target& target : fenced_backends(config, administration)) {
        fences.push_back({{"pool", target.pool}, {"server", target.server}});
    }
    json maintenance = json::array();
    for (const auto& [pool, record] : administration.maintenance) {
        if (config.pool(pool) != nullptr) {
            const json until = record.until ? json(core::base::print_time(*record.until)) : json();
            maintenance.push_back({{"pool", pool},
                                   {"message", record.message},
                                   {"until", until},
                                   {"until_local", print_local(config, record.until)}});
        }
    }
    json weights = json::array();
    for (const auto& [place, record] : administration.weights) {
        weights.push_back({{"pool", record.pool}, {"server", record.server}, {"weight", record.weight}});
    }
    return {
        {"type", "administer"},        {"fences_known", known.fences && known.state}, {"state_known", known.state},
        {"fences", std::move(fences)}, {"maintenance", std::move(maintenance)},       {"weights", std::move(weights)}};
}

core::Error read_refusal(const json& answer, const char* usual) {
    const json error = answer.value("error", json());
    if (!error.is_object()) {
        return {usual, error.is_string() ? error.get<std::string>() : "", "", 0};
    }
    const auto text = [&error](const char* name, const char* otherwise) {
        const json value = error.value(name, json());
        return value.is_string() ? value.get<std::string>() : std::string(otherwise);
    };
    return {text("what", usual), text("why", ""), text("mend", ""), 0};
}

}  // namespace appliance::control
