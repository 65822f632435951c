#include "appliance/boot/proxy_orders.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "appliance/config/config.hpp"
#include "appliance/link/fields.hpp"

namespace appliance::boot {
namespace {

using config::Bounds;
using core::Milliseconds;
using link::Malformed;
using link::read_address;
using link::read_field;
using link::read_flag;
using link::read_list;
using link::read_ms;
using link::read_number;
using link::read_text;
using link::read_texts;
using nlohmann::json;

// How long servers that a reload has taken away serve at most while none of the new ones has passed its check; else it
// is the time that these have until they would be down: `fall` checks.
constexpr Milliseconds overlap_max{10'000};
// What is no UTF-8 in a page has become three bytes for one on its way.
constexpr std::size_t page_max = 3 * Bounds::page_bytes;

std::vector<core::Network> read_networks(const json& from, const char* name) {
    std::vector<core::Network> networks;
    for (const json& item : read_list(from, name)) {
        const auto network =
            item.is_string() ? core::Network::parse(item.get_ref<const std::string&>()) : core::fail("no text");
        networks.push_back(network ? *network : throw Malformed(name, "has something else than networks"));
    }
    return networks;
}

std::vector<core::Address> read_sources(const json& from) {
    std::vector<core::Address> sources;
    for (const json& item : read_list(from, "sources", Bounds::sources)) {
        const auto source =
            item.is_string() ? core::Address::parse_host(item.get_ref<const std::string&>(), 0) : core::fail("no text");
        sources.push_back(source ? *source : throw Malformed("sources", "has something else than addresses"));
    }
    return sources;
}

core::net::ProxyVersion read_version(const std::string& name) {
    using core::net::ProxyVersion;
    if (name == "v1" || name == "v2") {
        return name == "v1" ? ProxyVersion::v1 : ProxyVersion::v2;
    }
    if (name != "off") {
        throw Malformed("proxy_protocol", "is no version of PROXY");
    }
    return ProxyVersion::none;
}

core::proxy::Mode read_mode(const std::string& name) {
    using core::proxy::Mode;
    return name == "tcp" ? Mode::tcp : name == "http" ? Mode::http : throw Malformed("mode", "is neither tcp nor http");
}

// Into the type and the bounds of what it is for.
void take(const json& from, const char* name, std::uint32_t& to, std::uint64_t least = 0, std::uint64_t most = ~0U) {
    to = read_number<std::uint32_t>(from, name, least, most);
}

void take(const json& from, const char* name, std::string& to) {
    to = read_text(from, name);
}

void take(const json& from, const char* name, bool& to) {
    to = read_flag(from, name);
}

core::balance::Balance read_balance(const std::string& name) {
    using core::balance::Balance;
    static const std::map<std::string, Balance> known{{"round_robin", Balance::round_robin},
                                                      {"least_connections", Balance::least_connections},
                                                      {"random_two", Balance::random_two},
                                                      {"source_hash", Balance::source_hash}};
    const auto found = known.find(name);
    if (found == known.end()) {
        throw Malformed("balance", "is none of ours");
    }
    return found->second;
}

core::health::Check read_check(const json& from) {
    core::health::Check check;
    const std::string type = read_text(from, "type");
    if (type != "tcp" && type != "http") {
        throw Malformed("type", "of a check is neither tcp nor http");
    }
    check.type = type == "tcp" ? core::health::CheckType::tcp : core::health::CheckType::http;
    take(from, "method", check.method);
    take(from, "path", check.path);
    take(from, "host", check.host);
    check.port = read_number<std::uint16_t>(from, "port", 0, 65535);
    check.headers = read_texts(from, "headers", Bounds::headers);
    auto expect = core::http::StatusSet::parse(read_texts(from, "expect", core::http::StatusSet::members_max));
    check.expect = expect ? std::move(*expect) : throw Malformed("expect", "of a check names no statuses");
    check.interval = read_ms(from, "interval_ms");
    check.timeout = read_ms(from, "timeout_ms");
    take(from, "fall", check.fall, 1, Bounds::streak);
    take(from, "rise", check.rise, 1, Bounds::streak);
    return check;
}

void read_pool(const json& from, core::proxy::Snapshot& snapshot, std::vector<core::health::Target>& targets) {
    core::proxy::PoolSpec pool;
    take(from, "name", pool.name);
    pool.balance = read_balance(read_text(from, "balance"));
    take(from, "queue", pool.queue_max, 0, Bounds::queue);
    pool.queue_timeout = read_ms(from, "queue_timeout_ms");
    pool.hold = read_ms(from, "hold_ms");
    pool.slow_start = read_ms(from, "slow_start_ms");
    take(from, "abort_on_close", pool.abort_on_close);
    take(from, "cookie", pool.cookie);
    take(from, "host", pool.host);
    pool.proxy_header = read_version(read_text(from, "proxy_protocol"));
    core::health::Check check = read_check(read_field(from, "check"));
    check.proxy_header = pool.proxy_header;
    check.sources = pool.sources = read_sources(from);
    pool.overlap = std::min(overlap_max, (check.interval + check.timeout) * check.fall);
    for (const json& item : read_list(from, "backends", Bounds::backends)) {
        core::proxy::BackendSpec backend;
        take(item, "server", backend.server);
        backend.address = read_address(item, "address");
        take(item, "weight", backend.weight, 1, Bounds::weight);
        take(item, "max_connections", backend.connections_max, 0, Bounds::max_connections);
        take(item, "backup", backend.backup);
        take(read_field(from, "check"), "passive_fall", backend.passive_fall, 0, Bounds::streak);
        targets.push_back({pool.name, backend.server, backend.address, check, snapshot.limits.answer});
        pool.backends.push_back(std::move(backend));
    }
    snapshot.pools.push_back(std::move(pool));
}

// As the configuration has checked it: "name=value" and "Name: value", or empty.
core::proxy::Bypass read_bypass(const json& from) {
    core::proxy::Bypass bypass;
    bypass.networks = read_networks(from, "networks");
    const std::string cookie = read_text(from, "cookie");
    if (const auto equals = cookie.find('='); equals != std::string::npos) {
        bypass.cookie = cookie.substr(0, equals);
        bypass.cookie_value = cookie.substr(equals + 1);
    }
    const std::string header = read_text(from, "header");
    if (const auto colon = header.find(": "); colon != std::string::npos) {
        bypass.field = header.substr(0, colon);
        bypass.field_value = header.substr(colon + 2);
    }
    return bypass;
}

std::vector<core::proxy::Administration::Fence> read_fences(const json& from) {
    std::vector<core::proxy::Administration::Fence> fences;
    for (const json& item : read_list(from, "fences")) {
        fences.push_back({read_text(item, "pool"), read_text(item, "server")});
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
    take(from, "sessions", limits.sessions, 1, Bounds::sessions);
    take(from, "sessions_per_source", limits.sessions_per_source, 0, Bounds::sessions);
    limits.head.head = read_number<std::uint32_t>(from, "head", 1, Bounds::head);
    limits.head.request_line = read_number<std::uint32_t>(from, "request_line", 1, Bounds::head);
    limits.head.fields = read_number<std::uint32_t>(from, "fields", 1, Bounds::fields);
    limits.answer.head = read_number<std::uint32_t>(from, "answer_head", 1, Bounds::head);
    limits.answer.request_line = std::min(limits.answer.request_line, limits.answer.head);
    limits.answer.fields = read_number<std::uint32_t>(from, "answer_fields", 1, Bounds::fields);
    limits.chunks.extension = read_number<std::uint16_t>(from, "chunk_extension", 0, Bounds::chunk_extension);
    limits.chunks.trailers = read_number<std::uint32_t>(from, "trailers", 0, Bounds::trailers);
    limits.body_rate = {read_number<std::uint32_t>(from, "body_rate", 0, Bounds::body_rate),
                        read_ms(from, "body_credit_ms")};
    limits.answer_rate = {read_number<std::uint32_t>(from, "answer_rate", 0, Bounds::body_rate),
                          read_ms(from, "answer_credit_ms")};
    return limits;
}

core::proxy::ListenerSpec read_listener(const json& from) {
    core::proxy::ListenerSpec listener;
    take(from, "name", listener.name);
    listener.address = read_address(from, "address");
    listener.mode = read_mode(read_text(from, "mode"));
    take(from, "pool", listener.pool);
    for (const json& route : read_list(from, "routes", Bounds::routes)) {
        listener.routes.push_back({read_text(route, "host"), read_text(route, "path"), read_text(route, "pool")});
    }
    listener.trusted = read_networks(from, "trusted");
    take(from, "proxy_protocol", listener.proxy_header);
    take(from, "https", listener.https);
    take(from, "forwarded", listener.forwarded);
    take(from, "via", listener.via);
    take(from, "request_id", listener.request_id);
    return listener;
}

// Names stand once, and what is named is there: the data plane relies on it.
void check_names(const core::proxy::Snapshot& snapshot) {
    std::set<std::string> pools;
    for (const auto& pool : snapshot.pools) {
        std::set<std::string> servers;
        for (const auto& backend : pool.backends) {
            if (!servers.insert(backend.server).second) {
                throw Malformed(backend.server, "stands twice in a pool");
            }
        }
        if (!pools.insert(pool.name).second) {
            throw Malformed(pool.name, "is the name of two pools");
        }
    }
    std::set<core::Address> addresses;
    for (const auto& listener : snapshot.listeners) {
        const bool known = pools.contains(listener.pool) &&
                           std::all_of(listener.routes.begin(), listener.routes.end(),
                                       [&pools](const auto& route) { return pools.contains(route.pool); });
        if (!known) {
            throw Malformed(listener.name, "names a pool that is not there");
        }
        if (!addresses.insert(listener.address).second) {
            throw Malformed(listener.name, "has the address of another listener");
        }
    }
}

ConfigureOrder read_configure(const json& body, std::vector<core::base::Descriptor>& fds) {
    ConfigureOrder order;
    take(body, "workers", order.workers, 1, Bounds::workers);
    auto snapshot = std::make_shared<core::proxy::Snapshot>();
    auto next = fds.begin();
    for (const json& item : read_list(body, "listeners", Bounds::listeners)) {
        const auto count = read_number<std::uint32_t>(item, "fds");
        if (count != order.workers || fds.end() - next < static_cast<std::ptrdiff_t>(count)) {
            throw Malformed("fds", "is not the number of sockets that came");
        }
        order.sockets.emplace_back(std::make_move_iterator(next), std::make_move_iterator(next + count));
        next += count;
        snapshot->listeners.push_back(read_listener(item));
    }
    order.probe_sockets.assign(std::make_move_iterator(next), std::make_move_iterator(fds.end()));
    snapshot->limits = read_limits(read_field(body, "limits"));
    for (const json& item : read_list(body, "pools", Bounds::pools)) {
        read_pool(item, *snapshot, order.targets);
    }
    const bool recall = body.contains("recall") && read_flag(body, "recall");
    order.recall = recall ? core::health::Recall::replaced : core::health::Recall::removed;
    if (body.contains("fences")) {
        order.fences = read_fences(body);
    }
    snapshot->timeouts = read_timeouts(read_field(body, "timeouts"));
    const json& maintenance = read_field(body, "maintenance");
    snapshot->page = read_text(maintenance, "page", page_max);
    take(maintenance, "retry_after_s", snapshot->retry_after);
    snapshot->bypass = read_bypass(read_field(maintenance, "bypass"));
    take(body, "zero_copy", snapshot->zero_copy);
    snapshot->relay_drain = read_ms(body, "relay_drain_ms");
    take(read_field(body, "log"), "exchanges", snapshot->log_exchanges);
    check_names(*snapshot);
    order.snapshot = std::move(snapshot);
    return order;
}

std::string read_text_or_nothing(const json& from, const char* name) {
    return from.contains(name) && !from.at(name).is_null() ? read_text(from, name) : std::string();
}

AdministerOrder read_administer(const json& body) {
    AdministerOrder order;
    order.fences_known = read_flag(body, "fences_known");
    order.state_known = read_flag(body, "state_known");
    core::proxy::Administration& administration = order.administration;
    administration.fences = read_fences(body);
    for (const json& item : read_list(body, "maintenance")) {
        std::string until = read_text_or_nothing(item, "until");
        const auto ends = core::base::parse_time(until);
        administration.maintenance.push_back({read_text(item, "pool"), read_text_or_nothing(item, "message"),
                                              std::move(until), read_text_or_nothing(item, "until_local"),
                                              ends ? std::optional(*ends) : std::nullopt});
    }
    for (const json& item : read_list(body, "weights")) {
        administration.weights.push_back({read_text(item, "pool"), read_text(item, "server"),
                                          read_number<std::uint32_t>(item, "weight", 1, Bounds::weight)});
    }
    return order;
}

DrainOrder read_drain(const json& body) {
    const std::string idle = body.contains("idle") ? read_text(body, "idle") : "end";
    if (idle != "end" && idle != "stay") {
        throw Malformed("idle", "is neither end nor stay");
    }
    using Idle = core::proxy::Worker::Idle;
    return {read_ms(body, "deadline_ms"), idle == "stay" ? Idle::stay : Idle::end};
}

ProxyOrder read_order(link::Message& message) {
    const std::string type = read_text(message.body, "type");
    if (type != "configure" && !message.fds.empty()) {
        throw Malformed("type", "comes with descriptors");
    }
    if (type == "configure") {
        return read_configure(message.body, message.fds);
    }
    if (type == "administer") {
        return read_administer(message.body);
    }
    if (type == "report") {
        return ReportOrder{};
    }
    if (type == "refusals") {
        return RefusalsOrder{};
    }
    if (type == "drain") {
        return read_drain(message.body);
    }
    throw Malformed("type", "is none that control sends");
}

}  // namespace

core::Result<ProxyOrder> decode_order(link::Message message) {
    return link::decode("an order of control", [&message] { return read_order(message); });
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

}  // namespace appliance::boot
