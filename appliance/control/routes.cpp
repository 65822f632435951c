#include "appliance/control/routes.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <utility>

#include "appliance/control/read_order.hpp"
#include "appliance/control/view_guard.hpp"

namespace appliance::control {
namespace {

using Json = Control::Json;
using nlohmann::json;

api::Reply reply(int status, const Json& body) {
    return {status, "application/json", body.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"};
}

api::Reply reply(const Refusal& refusal) {
    Json body{{"error", {{"what", refusal.error.what}, {"why", refusal.error.why}, {"mend", refusal.error.mend}}}};
    if (!refusal.problems.empty()) {
        body["problems"] = refusal.problems;
    }
    return reply(refusal.status, body);
}

api::Reply reply(const Outcome<Json>& outcome) {
    return outcome ? reply(200, *outcome) : reply(outcome.error());
}

api::Reply complain(int status, std::string what, std::string mend = {}) {
    return reply(Refusal{status, {std::move(what), "", std::move(mend), 0}, {}});
}

// How long a watcher may hold a thread of the API; less than its client waits for an answer.
constexpr std::uint64_t watch_max = 30'000;

// Nothing where the query does not hold such a number.
std::optional<std::uint64_t> number_in(const api::Request& request, const char* name) {
    const auto found = request.query.find(name);
    std::uint64_t number = 0;
    if (found == request.query.end()) {
        return std::nullopt;
    }
    const std::string& text = found->second;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

api::Reply answer_rules(Control& control, const api::Request& request) {
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

// Asks the guards whether a deploy may start, at a time of its own or now.
api::Reply answer_guard(const config::Config& config, const api::Request& request) {
    constexpr std::uint64_t day_ms = 24 * 3600 * 1000;
    const auto length = number_in(request, "for_ms");
    const auto at = request.query.find("at");
    const auto time = at == request.query.end() ? core::Result<core::WallTime>(core::base::wall_now())
                                                : core::base::parse_time(at->second);
    if (!time || length.value_or(0) > day_ms) {
        return complain(400, !time ? "'at' is no time: " + at->second : "'for_ms' is more than a day");
    }
    return reply(200, view_guards(config, *time, core::Milliseconds(length.value_or(0))));
}

api::Reply read(Control& control, const api::Request& request) {
    if (request.path == "/v1/status") {
        return reply(200, control.status());
    }
    if (request.path == "/v1/rules") {
        return answer_rules(control, request);
    }
    if (request.path == "/v1/maintenance") {
        return reply(200, control.maintenance());
    }
    if (request.path == "/v1/firewall") {
        return reply(200, control.firewall());
    }
    if (request.path == "/v1/guard") {
        return answer_guard(*control.config(), request);
    }
    return complain(404, "no resource " + request.path, "gatehouse -h names the commands");
}

api::Reply answer_upgrade(Control& control, const Words& words) {
    const auto checked = control.check_upgrade(words.who, words.why);
    api::Reply answer = checked ? reply(202, *checked) : reply(checked.error());
    if (checked) {
        answer.then = [&control] { control.upgrade(); };
    }
    return answer;
}

api::Reply change(Control& control, const api::Request& request) {
    const json body = request.body.empty() ? json::object() : json::parse(request.body, nullptr, false);
    if (!body.is_object()) {
        return complain(400, "the request's body is not a JSON object");
    }
    if (request.path == "/v1/fence") {
        const auto order = read_fence(body, request.peer);
        return order ? reply(control.fence(*order)) : reply(order.error());
    }
    if (request.path == "/v1/unfence") {
        const auto order = read_unfence(body, request.peer);
        return order ? reply(control.unfence(*order)) : reply(order.error());
    }
    if (request.path == "/v1/maintenance") {
        const auto order = read_maintenance(body, request.peer);
        return order ? reply(control.set_maintenance(*order)) : reply(order.error());
    }
    if (request.path == "/v1/firewall/confirm") {
        const auto words = read_words(body, request.peer);
        return words ? reply(control.confirm_firewall(words->who, words->why)) : reply(words.error());
    }
    if (request.path == "/v1/upgrade") {
        const auto words = read_words(body, request.peer);
        return words ? answer_upgrade(control, *words) : reply(words.error());
    }
    if (request.path == "/v1/reload") {
        const auto words = read_words(body, request.peer);
        return words ? reply(control.reload(words->who, words->why)) : reply(words.error());
    }
    return complain(404, "no resource " + request.path, "gatehouse -h names the commands");
}

}  // namespace

api::Reply answer(Control& control, const api::Request& request) {
    if (request.method == "GET" || request.method == "HEAD") {
        return read(control, request);
    }
    return request.method == "POST" ? change(control, request) : complain(405, "no method " + request.method);
}

}  // namespace appliance::control
