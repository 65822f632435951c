#include "appliance/control/observe/visitors.hpp"

#include <algorithm>

namespace appliance::control {
namespace {

using core::base::Histogram;
using Json = nlohmann::ordered_json;
using nlohmann::json;

// Throws json::exception where it is none.
Histogram latency_of(const json& visitors) {
    Histogram histogram;
    for (const json& bucket : visitors.at("latency")) {
        const auto at = bucket.at(0).get<std::size_t>();
        if (at < Histogram::size) {
            histogram.set(at, bucket.at(1).get<std::uint64_t>());
        }
    }
    return histogram;
}

const json& nobody() {
    static const json none{{"requests", 0}, {"status", {0, 0, 0, 0}},  {"ours", 0}, {"broken", 0}, {"retried", 0},
                           {"waited", 0},   {"latency", json::array()}};
    return none;
}

double milliseconds(Histogram::Duration duration) {
    return static_cast<double>(duration.count()) / 1000;
}

}  // namespace

std::optional<Histogram> latency_in(const json& visitors) {
    try {
        return visitors.is_null() ? std::nullopt : std::optional(latency_of(visitors));
    } catch (const json::exception&) {
        return std::nullopt;
    }
}

json visitors_in(const json& report, const std::string& pool) {
    if (report.is_object() && report.contains("pools")) {
        for (const json& one : report["pools"]) {
            if (one.value("name", "") == pool) {
                return one.value("visitors", json());
            }
        }
    }
    return nullptr;
}

Json view_visitors(const json& before, const json& after) {
    const json& first = before.is_null() ? nobody() : before;
    const json& last = after.is_null() ? nobody() : after;
    try {
        const auto between = [](const json& begin, const json& end) {
            const auto from = begin.get<std::uint64_t>();
            const auto to = end.get<std::uint64_t>();
            return to < from ? 0 : to - from;
        };
        const auto count = [&](const char* name) { return between(first.at(name), last.at(name)); };
        Histogram latency = latency_of(last);
        latency.subtract(latency_of(first));
        Json status;
        for (std::size_t at = 0; at < 4; ++at) {
            status[std::to_string(at + 2) + "xx"] = between(first.at("status").at(at), last.at("status").at(at));
        }
        return {{"requests", count("requests")},
                {"status", std::move(status)},
                {"ours", count("ours")},
                {"broken", count("broken")},
                {"retried", count("retried")},
                {"waited", count("waited")},
                {"latency",
                 {{"p50_ms", milliseconds(latency.quantile(0.5))},
                  {"p99_ms", milliseconds(latency.quantile(0.99))},
                  {"p999_ms", milliseconds(latency.quantile(0.999))}}}};
    } catch (const json::exception&) {
        return nullptr;
    }
}

}  // namespace appliance::control
