#include "appliance/boot/proxy/proxy_orders.hpp"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "appliance/config/model/fields.hpp"
#include "appliance/config/model/link_fields.hpp"
#include "appliance/link/fields.hpp"

namespace appliance::boot {
namespace {

using core::Milliseconds;
using link::Malformed;
using link::read_address;
using link::read_field;
using link::read_flag;
using link::read_list;
using link::read_ms;
using link::read_number;
using link::read_text;
using nlohmann::json;

// How long servers that a reload has taken away serve at most while none of the new ones has passed its check; else it
// is the time that these have until they would be down: `fall` checks.
constexpr Milliseconds overlap_max{10'000};
// What is no UTF-8 in a page has become three bytes for one on its way.
constexpr std::size_t page_max = 3 * config::Bounds::page_bytes;

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

template <typename Settings>
void read_fields(const json& from, Settings& values) {
    config::each_field(values, config::FromLink(from));
}

void read_pool(const json& from, core::proxy::Snapshot& snapshot, std::vector<core::health::Target>& targets) {
    core::proxy::PoolSpec pool;
    take(from, "name", pool.name);
    read_fields<core::proxy::PoolSettings>(from, pool);
    config::Check check;
    read_fields(read_field(from, "check"), check);
    check.proxy_header = pool.proxy_protocol;
    check.sources = pool.sources;
    pool.overlap = std::min(overlap_max, (check.interval + check.timeout) * check.fall);
    for (const json& item : read_list(from, "backends", config::Bounds::backends)) {
        core::proxy::BackendSpec backend;
        take(item, "server", backend.server);
        backend.address = read_address(item, "address");
        read_fields<core::proxy::BackendSettings>(item, backend);
        backend.passive_fall = check.passive_fall;
        targets.push_back({pool.name, backend.server, backend.address, check, snapshot.limits.answer});
        pool.backends.push_back(std::move(backend));
    }
    snapshot.pools.push_back(std::move(pool));
}

// As the configuration has checked it: "name=value" and "Name: value", or empty.
core::proxy::Bypass read_bypass(const json& from) {
    core::proxy::Bypass bypass;
    config::FromLink(from).networks("networks", bypass.networks, "");
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

core::proxy::ListenerSpec read_listener(const json& from) {
    core::proxy::ListenerSpec listener;
    take(from, "name", listener.name);
    listener.address = read_address(from, "address");
    take(from, "pool", listener.pool);
    for (const json& route : read_list(from, "routes", config::Bounds::routes)) {
        listener.routes.push_back({read_text(route, "host"), read_text(route, "path"), read_text(route, "pool")});
    }
    read_fields<core::proxy::ListenerSettings>(from, listener);
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
    take(body, "workers", order.workers, 1, config::Bounds::workers);
    auto snapshot = std::make_shared<core::proxy::Snapshot>();
    auto next = fds.begin();
    for (const json& item : read_list(body, "listeners", config::Bounds::listeners)) {
        const auto count = read_number<std::uint32_t>(item, "fds");
        if (count != order.workers || fds.end() - next < static_cast<std::ptrdiff_t>(count)) {
            throw Malformed("fds", "is not the number of sockets that came");
        }
        order.sockets.emplace_back(std::make_move_iterator(next), std::make_move_iterator(next + count));
        next += count;
        snapshot->listeners.push_back(read_listener(item));
    }
    order.probe_sockets.assign(std::make_move_iterator(next), std::make_move_iterator(fds.end()));
    read_fields(read_field(body, "limits"), snapshot->limits);
    snapshot->limits.answer.request_line = std::min(snapshot->limits.answer.request_line, snapshot->limits.answer.head);
    for (const json& item : read_list(body, "pools", config::Bounds::pools)) {
        read_pool(item, *snapshot, order.targets);
    }
    const bool recall = body.contains("recall") && read_flag(body, "recall");
    order.recall = recall ? core::health::Recall::replaced : core::health::Recall::removed;
    if (body.contains("fences")) {
        order.fences = read_fences(body);
    }
    read_fields(read_field(body, "timeouts"), snapshot->timeouts);
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
                                          read_number<std::uint32_t>(item, "weight", 1, config::Bounds::weight)});
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
