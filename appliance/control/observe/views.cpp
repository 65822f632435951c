#include "appliance/control/observe/views.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "appliance/control/model/drift.hpp"
#include "appliance/control/model/fence_claim.hpp"
#include "appliance/control/model/targets.hpp"
#include "appliance/control/model/workers.hpp"
#include "appliance/control/observe/visitors.hpp"
#include "netfilter/model/protocol_name.hpp"

namespace appliance::control {
namespace {

using nlohmann::json;
using Json = nlohmann::ordered_json;

constexpr const char* silent_proxy = "the proxy does not answer";

Json write_time(std::optional<core::WallTime> time) {
    return time ? Json(core::base::print_time(*time)) : Json();
}

// The item of a report's list with that name; null where there is none.
const json& find_named(const json& list, const char* key, std::string_view name) {
    static const json nothing;
    if (!list.is_array()) {
        return nothing;
    }
    const auto found = std::find_if(list.begin(), list.end(),
                                    [&](const json& item) { return item.is_object() && item.value(key, "") == name; });
    return found == list.end() ? nothing : *found;
}

const json& member(const json& object, const char* name) {
    static const json nothing;
    return object.is_object() && object.contains(name) ? object[name] : nothing;
}

// What the report does not say is not known: null, and never zero.
Json number_or_null(const json& object, const char* name) {
    const json& number = member(object, name);
    return number.is_number() ? Json(number) : Json();
}

const json& find_backend(const json& report, std::string_view pool, std::string_view server) {
    return find_named(member(find_named(member(report, "pools"), "name", pool), "backends"), "server", server);
}

// known: the proxy has answered.
Json view_check(const json& backend, bool known) {
    const json& check = member(backend, "check");
    if (check.is_object()) {
        return check;
    }
    return {{"state", "unknown"},
            {"why", known ? "not checked yet" : silent_proxy},
            {"since", nullptr},
            {"last_ms", nullptr},
            {"passed", known ? Json(0) : Json()},
            {"failed", known ? Json(0) : Json()}};
}

Json view_weight(const config::Pool& pool, const config::Backend& backend, const Administration& administration) {
    const auto by_hand = administration.weights.find({pool.name, backend.server});
    if (by_hand == administration.weights.end()) {
        return nullptr;
    }
    const WeightRecord& record = by_hand->second;
    return {{"who", record.who}, {"why", record.why}, {"since", write_time(record.since)}};
}

Json view_backend(const config::Pool& pool, const config::Backend& backend, const Administration& administration,
                  const json& seen, bool known) {
    const auto fenced = administration.fences.find(backend.address);
    const FenceRecord* fence = fenced == administration.fences.end() ? nullptr : &fenced->second;
    Json check = view_check(seen, known);
    const bool placed = backend.has_address();
    if (!placed) {
        check["why"] = "its name has no address yet";
    }
    const Json check_state = check["state"];
    Json view{{"server", backend.server}, {"address", placed ? Json(backend.address.text()) : Json()}};
    if (fence != nullptr) {
        view.update(Json{{"state", "fenced"},
                         {"why", fence->why},
                         {"since", write_time(fence->since)},
                         {"by", fence->who},
                         {"until", write_time(fence->until)}});
    } else {
        view.update(
            Json{{"state", check_state != "unknown" ? check_state : Json(known && placed ? "checking" : "unknown")},
                 {"why", check["why"]},
                 {"since", check["since"]}});
    }
    const auto count = [&seen](const char* name) { return number_or_null(seen, name); };
    view["check"] = std::move(check);
    view["fence"] = fence == nullptr ? Json() : view_fence(fence, nullptr);
    view.update(Json{{"active", count("active")},
                     {"total", count("total")},
                     {"failed", count("failed")},
                     {"odd_answers", seen.is_object() ? Json(member(seen, "odd")) : Json()},
                     {"max_connections", backend.max_connections},
                     {"weight", weight_of(administration, pool, backend)},
                     {"weight_by_hand", view_weight(pool, backend, administration)},
                     {"backup", backend.backup}});
    return view;
}

Json view_record(const MaintenanceRecord& record) {
    return {{"message", record.message},
            {"until", write_time(record.until)},
            {"who", record.who},
            {"why", record.why},
            {"since", write_time(record.since)}};
}

Json view_queue(const config::Pool& pool, const json& seen) {
    const auto count = [&seen](const char* name) { return number_or_null(seen, name); };
    return {{"waiting", count("waiting")},
            {"most", pool.queue},
            {"waited", count("waited")},
            {"overflow", count("overflow")},
            {"expired", count("expired")}};
}

Json view_pool(const config::Pool& pool, const Administration& administration, const json& report) {
    static const json none;
    Json backends = Json::array();
    bool serving = false;
    bool unknown = false;
    for (const config::Backend& backend : pool.backends) {
        // A report that knows it nevertheless is of a proxy that was told by an earlier control.
        const json& seen = backend.has_address() ? find_backend(report, pool.name, backend.server) : none;
        Json view = view_backend(pool, backend, administration, seen, report.is_object());
        serving = serving || view["state"] == "up";
        unknown = unknown || (view["state"] == "unknown" && backend.has_address());
        backends.push_back(std::move(view));
    }
    const auto maintenance = administration.maintenance.find(pool.name);
    const bool by_hand = maintenance != administration.maintenance.end();
    return {{"name", pool.name},
            {"state", by_hand   ? "maintenance"
                      : serving ? "serving"
                      : unknown ? "unknown"
                                : "down"},
            {"port", pool.port},
            {"balance", config::print(pool.balance)},
            {"maintenance", by_hand ? view_record(maintenance->second) : Json()},
            {"queue", view_queue(pool, member(find_named(member(report, "pools"), "name", pool.name), "queue"))},
            {"visitors", report.is_object() ? view_visitors(nullptr, visitors_in(report, pool.name)) : Json()},
            {"backends", std::move(backends)}};
}

// Bytes sent since the proxy's start, by what moved them.
Json view_moved(const json& report) {
    const json& moved = member(report, "moved");
    const auto count = [&moved](const char* name) { return number_or_null(moved, name); };
    return {{"copied", count("copied")}, {"spliced", count("spliced")}};
}

// What could not be done since the proxy's start for want of ports, descriptors or memory of this machine's.
Json view_shortages(const json& report) {
    const json& shortages = member(report, "shortages");
    const auto count = [&shortages](const char* name) { return number_or_null(shortages, name); };
    return {{"connections", count("connections")}, {"checks", count("checks")}};
}

}  // namespace

Json view_status(const config::Config& config, const Administration& administration, const Observed& observed,
                 const json& report) {
    Json listeners = Json::array();
    for (const config::Listener& listener : config.listeners) {
        const json& seen = find_named(member(report, "listeners"), "name", listener.name);
        Json routes = Json::array();
        for (const core::balance::Route& route : listener.routes) {
            routes.push_back({{"host", route.host}, {"path", route.path}, {"pool", route.pool}});
        }
        listeners.push_back({{"name", listener.name},
                             {"address", listener.address.text()},
                             {"mode", config::print(listener.mode)},
                             {"pool", listener.pool},
                             {"routes", std::move(routes)},
                             {"sessions", number_or_null(seen, "sessions")},
                             {"accepted", number_or_null(seen, "accepted")},
                             {"refused", number_or_null(seen, "refused")}});
    }
    Json pools = Json::array();
    for (const config::Pool& pool : config.pools) {
        pools.push_back(view_pool(pool, administration, report));
    }
    const auto pid = observed.proxy.pid == 0 ? Json() : Json(observed.proxy.pid);
    return {
        {"version", GATEHOUSE_VERSION},
        {"config", config.file.string()},
        {"since", write_time(observed.since)},
        {"workers", worker_count(config)},
        {"proxy", {{"state", print(observed.proxy.state)}, {"pid", pid}, {"since", write_time(observed.proxy.since)}}},
        {"fence_helper",
         {{"state", observed.helper_attached ? "running" : "down"}, {"since", write_time(observed.helper_since)}}},
        {"moved", view_moved(report)},
        {"shortages", view_shortages(report)},
        {"listeners", std::move(listeners)},
        {"pools", std::move(pools)}};
}

Json view_fence(const FenceRecord* record, const netfilter::Fence* kernel) {
    // The kernel holds the words only as far as a comment goes; the store has them whole. Where the two are not the
    // same fence, the kernel is what is true.
    const bool same = record != nullptr && (kernel == nullptr || kernel->id == record->id);
    const auto name = [record](const std::string FenceRecord::*field) {
        return record == nullptr || (record->*field).empty() ? Json() : Json(record->*field);
    };
    return {{"server", name(&FenceRecord::server)},
            {"pool", name(&FenceRecord::pool)},
            {"address", kernel != nullptr ? kernel->backend.text() : record->address.text()},
            {"protocol", kernel != nullptr ? netfilter::protocol_name(kernel->protocol) : "tcp"},
            {"mode", kernel != nullptr ? netfilter::print(kernel->mode) : config::print(record->mode)},
            {"scope", netfilter::print(kernel != nullptr ? kernel->scope : record->scope)},
            {"packets", kernel != nullptr ? kernel->packets : 0},
            {"bytes", kernel != nullptr ? kernel->bytes : 0},
            {"who", same ? record->who : kernel->who},
            {"why", same ? record->why : kernel->why},
            {"since", write_time(same ? record->since : kernel->since)},
            {"until", write_time(same ? record->until : kernel->until)},
            {"id", same ? record->id : kernel->id},
            {"owner", record == nullptr ? Json() : view_owner(*record)},
            {"drift", nullptr}};
}

Json view_rules(const config::Config& config, const Administration& administration,
                std::span<const netfilter::Fence> kernel, core::WallTime now) {
    Json fences = Json::array();
    std::set<core::Address> seen;
    for (const netfilter::Fence& fence : kernel) {
        const auto record =
            may_be_ours(fence) ? administration.fences.find(fence.backend) : administration.fences.end();
        const bool wanted = record != administration.fences.end();
        if (wanted) {
            seen.insert(fence.backend);
        }
        Json view = view_fence(wanted ? &record->second : nullptr, &fence);
        if (!wanted) {
            view["drift"] = "unknown to gatehouse";
            if (const auto target = backend_at(config, fence.backend)) {
                view["server"] = target->server;
                view["pool"] = target->pool;
            }
        } else if (!agrees(record->second, fence)) {
            view["drift"] = "not as gatehouse wants it";
        }
        fences.push_back(std::move(view));
    }
    for (const auto& [address, record] : administration.fences) {
        // The kernel drops an expired fence by itself, a moment before we do.
        if (!seen.contains(address) && !expired(record.until, now)) {
            fences.push_back(view_fence(&record, nullptr));
            fences.back()["drift"] = "missing in the kernel";
        }
    }
    return {{"table", "inet gatehouse"}, {"fences", std::move(fences)}};
}

Json view_maintenance(const config::Config& config, const Administration& administration, const json& report) {
    Json pools = Json::array();
    for (const config::Pool& pool : config.pools) {
        const Json view = view_pool(pool, administration, report);
        pools.push_back({{"name", pool.name}, {"state", view["state"]}, {"maintenance", view["maintenance"]}});
    }
    return {{"pools", std::move(pools)}};
}

std::string address_in(const json& report, const std::string& pool, const std::string& server) {
    const json& backend = find_backend(report, pool, server);
    return backend.is_object() ? backend.value("address", "") : "";
}

std::optional<std::uint64_t> active_in(const json& report, const std::string& pool, const std::string& server) {
    const json& active = member(find_backend(report, pool, server), "active");
    return active.is_number_unsigned() ? std::optional(active.get<std::uint64_t>()) : std::nullopt;
}

Health health_in(const json& report, const std::string& pool, const std::string& server) {
    const json& state = member(member(find_backend(report, pool, server), "check"), "state");
    return state == "up" ? Health::up : state == "down" ? Health::down : Health::unknown;
}

}  // namespace appliance::control
