// The proxy's report. Control checks it with its own decoder (appliance/control/link/report).
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "appliance/boot/proxy/proxy_orders.hpp"

namespace appliance::boot {
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

using nlohmann::json;

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

// By kind, those that there were.
json write_odd(const core::proxy::OddCounts& counts) {
    json odd = json::object();
    for (std::size_t at = 0; at < counts.size(); ++at) {
        if (counts.at(at) != 0) {
            odd[std::string(core::http::oddity_names.at(at))] = counts.at(at);
        }
    }
    return odd;
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
                  const std::vector<core::health::Standing>& standings, std::uint64_t checks_not_made) {
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
                    backend["odd"] = write_odd(counted.odd);
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
            {"shortages", {{"connections", report.shortages}, {"checks", checks_not_made}}},
            {"listeners", std::move(listeners)},
            {"pools", std::move(pools)}};
}

// Unknown values are left out.
json write_refusals(const std::vector<core::proxy::Refusal>& refusals) {
    json list = json::array();
    for (const auto& one : refusals) {
        json item{{"at", core::base::print_time(one.at)},
                  {"client", one.client},
                  {"status", one.status},
                  {"reason", one.reason},
                  {"line", one.line}};
        if (one.offset) {
            item["offset"] = *one.offset;
        }
        if (one.byte) {
            item["byte"] = fmt::format("0x{:02x}", *one.byte);
        }
        if (!one.field.empty()) {
            item["field"] = one.field;
        }
        if (one.listener.empty()) {
            item.update({{"pool", one.pool}, {"server", one.server}});
        } else {
            item["listener"] = one.listener;
        }
        list.push_back(std::move(item));
    }
    return {{"type", "refusals"}, {"refusals", std::move(list)}};
}

}  // namespace appliance::boot
