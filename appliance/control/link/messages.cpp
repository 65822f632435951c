#include "appliance/control/link/messages.hpp"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "appliance/control/model/targets.hpp"
#include "appliance/control/model/workers.hpp"
#include "appliance/guard/zone.hpp"

namespace appliance::control {
namespace {

using nlohmann::json;

json write_check(const config::Check& check) {
    return {{"type", config::print(check.type)},
            {"method", check.method},
            {"path", check.path},
            {"host", check.host},
            {"port", check.port},
            {"headers", check.headers},
            {"expect", check.expect.members()},
            {"interval_ms", check.interval.count()},
            {"timeout_ms", check.timeout.count()},
            {"fall", check.fall},
            {"rise", check.rise},
            {"passive_fall", check.passive_fall}};
}

json write_pool(const config::Pool& pool) {
    json backends = json::array();
    for (const config::Backend& backend : pool.backends) {
        if (!backend.has_address()) {
            continue;  // there is nothing to check, and nowhere to send anybody
        }
        backends.push_back({{"server", backend.server},
                            {"address", backend.address.text()},
                            {"weight", backend.weight},
                            {"max_connections", backend.max_connections},
                            {"backup", backend.backup}});
    }
    json sources = json::array();
    for (const core::Address& source : pool.sources) {
        sources.push_back(source.host());
    }
    return {{"name", pool.name},
            {"sources", std::move(sources)},
            {"abort_on_close", pool.abort_on_close},
            {"balance", config::print(pool.balance)},
            {"cookie", pool.cookie},
            {"host", pool.host},
            {"proxy_protocol", config::print(pool.proxy_protocol)},
            {"queue", pool.queue},
            {"queue_timeout_ms", pool.queue_timeout.count()},
            {"hold_ms", pool.hold.count()},
            {"slow_start_ms", pool.slow_start.count()},
            {"check", write_check(pool.check)},
            {"backends", std::move(backends)}};
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

json write_limits(const config::Limits& limits) {
    return {{"sessions", limits.sessions},
            {"sessions_per_source", limits.sessions_per_source},
            {"head", limits.head},
            {"request_line", limits.request_line},
            {"fields", limits.fields},
            {"answer_head", limits.answer_head},
            {"answer_fields", limits.answer_fields},
            {"chunk_extension", limits.chunk_extension},
            {"trailers", limits.trailers},
            {"body_rate", limits.body_rate},
            {"body_credit_ms", limits.body_credit.count()},
            {"answer_rate", limits.answer_rate},
            {"answer_credit_ms", limits.answer_credit.count()}};
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
        json routes = json::array();
        for (const core::balance::Route& route : listener.routes) {
            routes.push_back({{"host", route.host}, {"path", route.path}, {"pool", route.pool}});
        }
        json trusted = json::array();
        for (const core::Network& network : listener.trusted) {
            trusted.push_back(network.text());
        }
        listeners.push_back({{"name", listener.name},
                             {"address", listener.address.text()},
                             {"mode", config::print(listener.mode)},
                             {"pool", listener.pool},
                             {"routes", std::move(routes)},
                             {"trusted", std::move(trusted)},
                             {"proxy_protocol", listener.proxy_protocol},
                             {"https", listener.proto == config::Proto::https},
                             {"forwarded", listener.forwarded},
                             {"via", listener.via},
                             {"request_id", listener.request_id},
                             {"fds", workers}});
    }
    json pools = json::array();
    for (const config::Pool& pool : config.pools) {
        pools.push_back(write_pool(pool));
    }
    const config::Timeouts& timeouts = config.timeouts;
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
            {"timeouts",
             {{"head_ms", timeouts.head.count()},
              {"keep_alive_ms", timeouts.keep_alive.count()},
              {"connect_ms", timeouts.connect.count()},
              {"backend_ms", timeouts.backend.count()},
              {"client_ms", timeouts.client.count()},
              {"relay_idle_ms", timeouts.relay_idle.count()}}},
            {"relay_drain_ms", config.proxy.relay_drain.count()},
            {"limits", write_limits(config.limits)},
            {"zero_copy", config.proxy.zero_copy == config::ZeroCopy::automatic},
            {"log", {{"exchanges", config.log.exchanges}}},
            {"probe_sockets", {{"v4", probes.v4}, {"v6", probes.v6}}}};
}

void hold_while_on_trial(json& configure_message) {
    constexpr std::int64_t least_ms = 1'000;
    for (json& pool : configure_message["pools"]) {
        pool["hold_ms"] = std::max(pool["hold_ms"].get<std::int64_t>(), least_ms);
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
