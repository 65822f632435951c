#include "appliance/boot/proxy_orders.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace appliance::boot {
namespace {

using core::Milliseconds;
using nlohmann::json;

// How long servers that a reload has taken away serve at most while none of the new ones has passed its check; else it
// is the time that these have until they would be down: `fall` checks.
constexpr Milliseconds overlap_max{10'000};

core::Network read_network(const json& text) {
    const auto network = core::Network::parse(text.get<std::string>());
    if (!network) {
        throw std::runtime_error(network.error().line());
    }
    return *network;
}

core::net::ProxyVersion read_version(const std::string& name) {
    using core::net::ProxyVersion;
    if (name == "v1" || name == "v2") {
        return name == "v1" ? ProxyVersion::v1 : ProxyVersion::v2;
    }
    if (name != "off") {
        throw std::runtime_error("unknown PROXY version " + name);
    }
    return ProxyVersion::none;
}

Milliseconds read_ms(const json& object, const char* name) {
    return Milliseconds(object.at(name).get<std::int64_t>());
}

core::balance::Balance read_balance(const std::string& name) {
    using core::balance::Balance;
    static const std::map<std::string, Balance> known{{"round_robin", Balance::round_robin},
                                                      {"least_connections", Balance::least_connections},
                                                      {"random_two", Balance::random_two},
                                                      {"source_hash", Balance::source_hash}};
    const auto found = known.find(name);
    if (found == known.end()) {
        throw std::runtime_error("unknown balance " + name);
    }
    return found->second;
}

core::health::Check read_check(const json& from) {
    core::health::Check check;
    const json& type = from.at("type");
    if (type != "tcp" && type != "http") {
        throw std::runtime_error("unknown type of check " + type.dump());
    }
    check.type = type == "tcp" ? core::health::CheckType::tcp : core::health::CheckType::http;
    check.method = from.at("method");
    check.path = from.at("path");
    check.host = from.at("host");
    check.expect = from.at("expect");
    check.interval = read_ms(from, "interval_ms");
    check.timeout = read_ms(from, "timeout_ms");
    check.fall = from.at("fall");
    check.rise = from.at("rise");
    return check;
}

void read_pool(const json& from, core::proxy::Snapshot& snapshot, std::vector<core::health::Target>& targets) {
    core::proxy::PoolSpec pool;
    pool.name = from.at("name");
    pool.balance = read_balance(from.at("balance"));
    pool.queue_max = from.at("queue");
    pool.queue_timeout = read_ms(from, "queue_timeout_ms");
    pool.hold = read_ms(from, "hold_ms");
    pool.slow_start = read_ms(from, "slow_start_ms");
    pool.cookie = from.at("cookie");
    pool.host = from.at("host");
    pool.proxy_header = read_version(from.at("proxy_protocol"));
    core::health::Check check = read_check(from.at("check"));
    check.proxy_header = pool.proxy_header;
    pool.overlap = std::min(overlap_max, (check.interval + check.timeout) * check.fall);
    for (const json& item : from.at("backends")) {
        core::proxy::BackendSpec backend;
        backend.server = item.at("server");
        backend.address = read_address(item.at("address"));
        backend.weight = item.at("weight");
        backend.connections_max = item.at("max_connections");
        backend.backup = item.at("backup");
        backend.passive_fall = from.at("check").at("passive_fall");
        targets.push_back({pool.name, backend.server, backend.address, check});
        pool.backends.push_back(std::move(backend));
    }
    snapshot.pools.push_back(std::move(pool));
}

// As the configuration has checked it: "name=value" and "Name: value", or empty.
core::proxy::Bypass read_bypass(const json& from) {
    core::proxy::Bypass bypass;
    for (const json& network : from.at("networks")) {
        bypass.networks.push_back(read_network(network));
    }
    const std::string cookie = from.at("cookie");
    if (const auto equals = cookie.find('='); equals != std::string::npos) {
        bypass.cookie = cookie.substr(0, equals);
        bypass.cookie_value = cookie.substr(equals + 1);
    }
    const std::string header = from.at("header");
    if (const auto colon = header.find(": "); colon != std::string::npos) {
        bypass.field = header.substr(0, colon);
        bypass.field_value = header.substr(colon + 2);
    }
    return bypass;
}

std::vector<core::proxy::Administration::Fence> read_fences(const json& from) {
    std::vector<core::proxy::Administration::Fence> fences;
    for (const json& item : from) {
        fences.push_back({item.at("pool"), item.at("server")});
    }
    return fences;
}

core::proxy::Timeouts read_timeouts(const json& from) {
    core::proxy::Timeouts timeouts;
    timeouts.head = read_ms(from, "head_ms");
    timeouts.keep_alive = read_ms(from, "keep_alive_ms");
    timeouts.connect = read_ms(from, "connect_ms");
    timeouts.backend = read_ms(from, "backend_ms");
    timeouts.client = read_ms(from, "client_ms");
    timeouts.relay_idle = read_ms(from, "relay_idle_ms");
    return timeouts;
}

core::proxy::Limits read_limits(const json& from) {
    core::proxy::Limits limits;
    limits.sessions = from.at("sessions");
    limits.sessions_per_source = from.at("sessions_per_source");
    limits.head.head = from.at("head");
    limits.head.request_line = from.at("request_line");
    limits.head.fields = from.at("fields");
    limits.chunks.extension = from.at("chunk_extension");
    limits.chunks.trailers = from.at("trailers");
    limits.body_rate = {from.at("body_rate"), read_ms(from, "body_credit_ms")};
    return limits;
}

}  // namespace

core::Address read_address(const json& text) {
    const auto address = core::Address::parse(text.get<std::string>());
    if (!address) {
        throw std::runtime_error(address.error().line());
    }
    return *address;
}

ConfigureOrder read_configure(const json& body, std::vector<core::base::Descriptor> fds) {
    ConfigureOrder order;
    order.workers = body.at("workers");
    auto snapshot = std::make_shared<core::proxy::Snapshot>();
    auto next = fds.begin();
    for (const json& item : body.at("listeners")) {
        core::proxy::ListenerSpec listener;
        listener.name = item.at("name");
        listener.address = read_address(item.at("address"));
        listener.mode = item.at("mode") == "tcp" ? core::proxy::Mode::tcp : core::proxy::Mode::http;
        listener.pool = item.at("pool");
        for (const json& route : item.at("routes")) {
            listener.routes.push_back({route.at("host"), route.at("path"), route.at("pool")});
        }
        for (const json& network : item.at("trusted")) {
            listener.trusted.push_back(read_network(network));
        }
        listener.proxy_header = item.at("proxy_protocol");
        listener.forwarded = item.at("forwarded");
        listener.via = item.at("via");
        listener.request_id = item.at("request_id");
        const auto count = item.at("fds").get<std::ptrdiff_t>();
        if (count != static_cast<std::ptrdiff_t>(order.workers) || fds.end() - next < count) {
            throw std::runtime_error("a listener came without its sockets");
        }
        core::proxy::Server::ListenerSockets sockets(std::make_move_iterator(next),
                                                     std::make_move_iterator(next + count));
        next += count;
        order.sockets.push_back(std::move(sockets));
        snapshot->listeners.push_back(std::move(listener));
    }
    order.probe_sockets.assign(std::make_move_iterator(next), std::make_move_iterator(fds.end()));
    for (const json& item : body.at("pools")) {
        read_pool(item, *snapshot, order.targets);
    }
    order.recall = body.value("recall", false) ? core::health::Recall::replaced : core::health::Recall::removed;
    order.fences = read_fences(body.value("fences", json::array()));
    snapshot->timeouts = read_timeouts(body.at("timeouts"));
    snapshot->page = body.at("maintenance").at("page");
    snapshot->retry_after = body.at("maintenance").at("retry_after_s");
    snapshot->bypass = read_bypass(body.at("maintenance").at("bypass"));
    snapshot->zero_copy = body.at("zero_copy");
    snapshot->limits = read_limits(body.at("limits"));
    snapshot->relay_drain = read_ms(body, "relay_drain_ms");
    snapshot->log_exchanges = body.at("log").at("exchanges");
    order.snapshot = std::move(snapshot);
    return order;
}

core::proxy::Findings findings_of(const core::proxy::Snapshot& snapshot,
                                  const std::vector<core::health::Health>& health) {
    using core::health::Health;
    using core::proxy::Finding;
    core::proxy::Findings findings;
    auto next = health.begin();
    for (const auto& pool : snapshot.pools) {
        findings.emplace_back();
        for (std::size_t i = 0; i < pool.backends.size(); ++i, ++next) {
            findings.back().push_back(*next == Health::up     ? Finding::up
                                      : *next == Health::down ? Finding::down
                                                              : Finding::nothing);
        }
    }
    return findings;
}

core::proxy::Administration read_administer(const json& body) {
    core::proxy::Administration administration;
    administration.fences = read_fences(body.at("fences"));
    for (const json& item : body.at("maintenance")) {
        const auto text = [&item](const char* name) {
            return item.contains(name) && item[name].is_string() ? item[name].get<std::string>() : std::string();
        };
        const std::string until = text("until");
        const auto ends = core::base::parse_time(until);
        administration.maintenance.push_back(
            {item.at("pool"), text("message"), until, text("until_local"), ends ? std::optional(*ends) : std::nullopt});
    }
    for (const json& item : body.at("weights")) {
        administration.weights.push_back({item.at("pool"), item.at("server"), item.at("weight")});
    }
    return administration;
}

bool administers(const link::Message& message) {
    return message.body.value("type", "") == "administer";
}

std::vector<bool> find_outdated(std::span<const link::Message> messages) {
    std::vector<bool> outdated(messages.size());
    bool later = false;
    for (std::size_t i = messages.size(); i-- > 0;) {
        outdated[i] = administers(messages[i]) && later;
        later = later || administers(messages[i]);
    }
    return outdated;
}

std::string_view print(core::health::Health health) noexcept {
    switch (health) {
        case core::health::Health::up:
            return "up";
        case core::health::Health::down:
            return "down";
        case core::health::Health::unknown:
            break;
    }
    return "unknown";
}

namespace {

json write_queue(const core::proxy::WorkerReport& report, const std::string& pool) {
    core::proxy::QueueReport counts;
    for (const auto& queue : report.queues) {
        if (queue.pool == pool) {
            counts = queue;
        }
    }
    return {{"waiting", counts.waiting},
            {"waited", counts.waited},
            {"overflow", counts.overflow},
            {"expired", counts.expired}};
}

// Null where the pool had none. The buckets of the latency are [place, count] each, without the empty ones.
json write_visitors(const core::proxy::WorkerReport& report, const std::string& pool) {
    const auto found = std::find_if(report.visitors.begin(), report.visitors.end(),
                                    [&](const auto& candidate) { return candidate.pool == pool; });
    if (found == report.visitors.end()) {
        return nullptr;
    }
    const core::proxy::Visitors& seen = found->visitors;
    json latency = json::array();
    const auto& buckets = seen.latency.buckets();
    for (std::size_t at = 0; at < buckets.size(); ++at) {
        if (buckets.at(at) != 0) {
            latency.push_back({at, buckets.at(at)});
        }
    }
    return {{"requests", seen.requests}, {"status", seen.status},        {"ours", seen.ours},
            {"broken", seen.broken},     {"retried", seen.retried},      {"waited", seen.waited},
            {"took_us", seen.took_us},   {"latency", std::move(latency)}};
}

}  // namespace

json write_report(const core::proxy::WorkerReport& report, const core::proxy::Snapshot& snapshot,
                  const std::vector<core::health::Standing>& standings) {
    json listeners = json::array();
    for (const auto& listener : report.listeners) {
        listeners.push_back({{"name", listener.name},
                             {"sessions", listener.sessions},
                             {"accepted", listener.accepted},
                             {"refused", listener.refused}});
    }
    json pools = json::array();
    for (const auto& pool : snapshot.pools) {
        json backends = json::array();
        for (const auto& spec : pool.backends) {
            json backend{
                {"server", spec.server}, {"address", spec.address.text()}, {"active", 0}, {"total", 0}, {"failed", 0}};
            for (const auto& counted : report.backends) {
                if (counted.pool == pool.name && counted.server == spec.server) {
                    backend["active"] = counted.active;
                    backend["total"] = counted.total;
                    backend["failed"] = counted.failed;
                }
            }
            for (const auto& standing : standings) {
                if (standing.pool == pool.name && standing.server == spec.server) {
                    backend["check"] = {
                        {"state", print(standing.health)},  {"why", standing.why},
                        {"carried", standing.carried},      {"since", core::base::print_time(standing.since)},
                        {"last_ms", standing.last.count()}, {"passed", standing.passed},
                        {"failed", standing.failed}};
                }
            }
            backends.push_back(std::move(backend));
        }
        pools.push_back({{"name", pool.name},
                         {"queue", write_queue(report, pool.name)},
                         {"visitors", write_visitors(report, pool.name)},
                         {"backends", std::move(backends)}});
    }
    return {{"type", "report"},
            {"moved", {{"copied", report.moved.copied}, {"spliced", report.moved.spliced}}},
            {"listeners", std::move(listeners)},
            {"pools", std::move(pools)}};
}

}  // namespace appliance::boot
