// The routes that show what there is: state, numbers, rules, and what the guards say.
#include <algorithm>
#include <atomic>
#include <memory>
#include <nlohmann/json.hpp>

#include "appliance/control/observe/view_guard.hpp"
#include "appliance/control/routes/replies.hpp"
#include "appliance/control/routes/routes.hpp"

namespace appliance::control {
namespace {

// How long a watcher may hold a thread of the API; less than its client waits for an answer.
constexpr std::uint64_t watch_max = 30'000;

api::Reply read_status(const Call& call) {
    return reply(200, call.services.control.status());
}

api::Reply read_rules(const Call& call) {
    Control& control = call.services.control;
    const api::Request& request = call.request;
    const auto format = request.query.find("format");
    if (format == request.query.end() || format->second == "json") {
        const auto seen = number_in(request, "after");
        const auto patience = std::min(number_in(request, "wait_ms").value_or(0), watch_max);
        return reply(seen ? control.watch_rules(*seen, core::Milliseconds(patience)) : control.rules());
    }
    if (format->second != "nft") {
        return complain(400, "no format '" + format->second + "'", "ask for json or nft");
    }
    auto text = control.rules_text();
    return text ? api::Reply{200, "text/plain", std::move(*text)} : reply(text.error());
}

// For Prometheus, which asks for no format and takes the type as the version.
api::Reply read_metrics(const Call& call) {
    const api::Request& request = call.request;
    const auto format = request.query.find("format");
    if (format != request.query.end() && format->second != "json" && format->second != "prometheus") {
        return complain(400, "no format '" + format->second + "'", "ask for prometheus or json");
    }
    const std::vector<Metric> metrics = call.services.control.metrics();
    if (format != request.query.end() && format->second == "json") {
        return reply(200, view_metrics(metrics));
    }
    return {200, "text/plain; version=0.0.4", print_metrics(metrics)};
}

// How many ask the guards at the same time; a rollout's own question needs no place among them.
constexpr unsigned guard_questions_max = 8;
std::atomic<unsigned> guard_questions = 0;

// Asks the guards whether a deploy may start, at a time of its own or now.
api::Reply read_guard(const Call& call) {
    constexpr std::uint64_t day_ms = 24 * 3600 * 1000;
    const auto length = number_in(call.request, "for_ms");
    const auto at = call.request.query.find("at");
    const auto time = at == call.request.query.end() ? core::Result<core::WallTime>(core::base::wall_now())
                                                     : core::base::parse_time(at->second);
    if (!time || length.value_or(0) > day_ms) {
        return complain(400, !time ? "'at' is no time: " + at->second : "'for_ms' is more than a day");
    }
    const unsigned others = guard_questions.fetch_add(1);
    const std::unique_ptr<std::atomic<unsigned>, void (*)(std::atomic<unsigned>*)> place(
        &guard_questions, [](std::atomic<unsigned>* taken) { --*taken; });
    if (others >= guard_questions_max) {
        return complain(503, core::Error{"cannot answer now", "others ask the guards already", "try again later", 0});
    }
    return reply(200, view_guards(*call.services.control.config(), *time, core::Milliseconds(length.value_or(0))));
}

}  // namespace

std::span<const Route> status_routes() noexcept {
    static constexpr Route rows[] = {
        {"GET", "/v1/status", look, read_status},
        {"GET", "/v1/metrics", look, read_metrics},
        {"GET", "/v1/rules", look, read_rules},
        {"GET", "/v1/guard", look, read_guard},
    };
    return rows;
}

}  // namespace appliance::control
