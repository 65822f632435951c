#include "appliance/control/routes/routes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

#include "appliance/base/bounded_json.hpp"
#include "appliance/control/diagnose/blot.hpp"
#include "appliance/control/observe/view_guard.hpp"
#include "appliance/control/routes/read_order.hpp"
#include "appliance/control/routes/replies.hpp"
#include "appliance/control/routes/routes_configuration.hpp"
#include "appliance/control/routes/routes_deploy.hpp"
#include "appliance/control/routes/routes_diagnose.hpp"
#include "appliance/control/routes/routes_events.hpp"
#include "appliance/control/routes/routes_update.hpp"

namespace appliance::control {
namespace {

using Json = Control::Json;
using nlohmann::json;

// How long a watcher may hold a thread of the API; less than its client waits for an answer.
constexpr std::uint64_t watch_max = 30'000;
// Changes that nobody waits for.
constexpr unsigned apart_max = 32;

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

// For Prometheus, which asks for no format and takes the type as the version.
api::Reply answer_metrics(Control& control, const api::Request& request) {
    const auto format = request.query.find("format");
    if (format != request.query.end() && format->second != "json" && format->second != "prometheus") {
        return complain(400, "no format '" + format->second + "'", "ask for prometheus or json");
    }
    const std::vector<Metric> metrics = control.metrics();
    if (format != request.query.end() && format->second == "json") {
        return reply(200, view_metrics(metrics));
    }
    return {200, "text/plain; version=0.0.4", print_metrics(metrics)};
}

// How many ask the guards at the same time; a rollout's own question needs no place among them.
constexpr unsigned guard_questions_max = 8;
std::atomic<unsigned> guard_questions = 0;

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
    const unsigned others = guard_questions.fetch_add(1);
    const std::unique_ptr<std::atomic<unsigned>, void (*)(std::atomic<unsigned>*)> place(
        &guard_questions, [](std::atomic<unsigned>* taken) { --*taken; });
    if (others >= guard_questions_max) {
        return complain(503, core::Error{"cannot answer now", "others ask the guards already", "try again later", 0});
    }
    return reply(200, view_guards(config, *time, core::Milliseconds(length.value_or(0))));
}

api::Reply read_audit(const Call& call) {
    constexpr std::uint64_t usual = 20;
    const bool asked = call.request.query.contains("last");
    const auto last = asked ? number_in(call.request, "last") : usual;
    if (!last || *last < 1 || *last > AuditLog::read_max) {
        return complain(400, "'last' must be a number from 1 to " + std::to_string(AuditLog::read_max));
    }
    const auto entries = call.services.audit.last(static_cast<std::int64_t>(*last));
    return entries ? reply(200, view_audit(*entries)) : reply(Refusal{500, entries.error(), {}});
}

api::Reply change_upgrade(const Call& call) {
    const auto words = read_words(call.body, call.request.peer);
    if (!words) {
        return reply(words.error());
    }
    Control& control = call.services.control;
    const auto checked = control.check_upgrade(words->who, words->why);
    api::Reply answer = checked ? reply(202, *checked) : reply(checked.error());
    if (checked) {
        answer.then = [&control] { control.upgrade(); };
    }
    return answer;
}

// A change that needs no more than who and why.
using Plain = Outcome<Json> (Control::*)(const std::string& who, const std::string& why);
template <Plain change>
api::Reply change_plain(const Call& call) {
    const auto words = read_words(call.body, call.request.peer);
    return words ? reply((call.services.control.*change)(words->who, words->why)) : reply(words.error());
}

api::Reply change_fence(const Call& call) {
    const auto order = read_fence(call.body, call.request.peer);
    return order ? reply(call.services.control.fence(*order)) : reply(order.error());
}

api::Reply change_unfence(const Call& call) {
    const auto order = read_unfence(call.body, call.request.peer);
    return order ? reply(call.services.control.unfence(*order)) : reply(order.error());
}

api::Reply change_maintenance(const Call& call) {
    const auto order = read_maintenance(call.body, call.request.peer);
    return order ? reply(call.services.control.set_maintenance(*order)) : reply(order.error());
}

api::Reply change_weight(const Call& call) {
    const auto order = read_weight(call.body, call.request.peer);
    return order ? reply(call.services.control.set_weight(*order)) : reply(order.error());
}

api::Reply read_deploys(const Call& call) {
    return read_deploy(call.services.conductor, call.request);
}

api::Reply change_deploys(const Call& call) {
    return change_deploy(call.services.conductor, call.services.audit, *call.services.control.config(), call.request,
                         call.body);
}

constexpr auto look = config::Role::read;
constexpr auto operate = config::Role::operate;
constexpr auto admin = config::Role::admin;

constexpr Route table[] = {
    {"GET", "/v1/status", look, [](const Call& call) { return reply(200, call.services.control.status()); }},
    {"GET", "/v1/metrics", look, [](const Call& call) { return answer_metrics(call.services.control, call.request); }},
    {"GET", "/v1/rules", look, [](const Call& call) { return answer_rules(call.services.control, call.request); }},
    {"GET", "/v1/maintenance", look, [](const Call& call) { return reply(200, call.services.control.maintenance()); }},
    {"GET", "/v1/firewall", look, [](const Call& call) { return reply(200, call.services.control.firewall()); }},
    {"GET", "/v1/guard", look,
     [](const Call& call) { return answer_guard(*call.services.control.config(), call.request); }},
    {"GET", "/v1/audit", look, read_audit},
    {"GET", "/v1/events", look, follow_events},
    {"GET", "/v1/operation", look, read_operation},
    {"GET", "/v1/deploy", look, read_deploys},
    {"GET", "/v1/deploy/history", look, read_deploys},
    {"GET", "/v1/deploy/report", look, read_deploys},
    {"GET", "/v1/deploy/journal", look, read_deploys},
    {"GET", "/v1/log", look, read_log},
    {"GET", "/v1/support", admin, read_support},
    {"POST", "/v1/diagnose/connect", operate, diagnose_connect},
    {"POST", "/v1/diagnose/resolve", operate, diagnose_resolve},
    {"POST", "/v1/diagnose/ping", operate, diagnose_ping},
    {"POST", "/v1/fence", operate, change_fence, "fence", Route::Body::json, true},
    {"POST", "/v1/unfence", operate, change_unfence, "unfence"},
    {"POST", "/v1/maintenance", operate, change_maintenance, "maintenance", Route::Body::json, true},
    {"POST", "/v1/weight", operate, change_weight, "weight"},
    {"POST", "/v1/deploy", operate, change_deploys, "deploy", Route::Body::json, false, "deploy plan"},
    {"POST", "/v1/deploy/rollback", operate, change_deploys, "deploy rollback"},
    {"POST", "/v1/deploy/pause", operate, change_deploys, "deploy pause"},
    {"POST", "/v1/deploy/resume", operate, change_deploys, "deploy resume"},
    {"POST", "/v1/deploy/abort", operate, change_deploys, "deploy abort"},
    {"POST", "/v1/deploy/sync", operate, change_deploys},
    {"POST", "/v1/firewall/confirm", admin, change_plain<&Control::confirm_firewall>, "firewall confirm"},
    {"GET", "/v1/configuration", admin, read_configuration},
    {"PUT", "/v1/configuration", admin, change_configuration, "config apply", Route::Body::text, false,
     "config apply --dry-run"},
    {"POST", "/v1/configuration/confirm", admin, change_plain<&Control::confirm_configuration>, "config confirm"},
    {"POST", "/v1/configuration/rollback", admin, change_plain<&Control::rollback>, "config rollback"},
    {"GET", "/v1/update", look, read_update},
    {"POST", "/v1/update/install", admin, install_update, "update install"},
    {"POST", "/v1/update/rollback", admin, roll_update_back, "update rollback"},
    {"POST", "/v1/update/reboot", admin, reboot_machine, "update reboot"},
    {"POST", "/v1/upgrade", admin, change_upgrade, "upgrade"},
    {"POST", "/v1/reload", admin, reload_configuration, "reload"},
};

// The route of a request, or why there is none.
tl::expected<const Route*, api::Reply> find(const api::Request& request) {
    const std::string_view method = request.method == "HEAD" ? std::string_view("GET") : request.method;
    std::string allowed;
    for (const Route& route : table) {
        if (route.path == request.path && route.method == method) {
            return &route;
        }
        if (route.path == request.path) {
            allowed += (allowed.empty() ? "" : ", ") + std::string(route.method);
        }
    }
    if (allowed.empty()) {
        return tl::unexpected(complain(404, "no resource " + request.path, "gatehouse -h names the commands"));
    }
    api::Reply refusal = complain(405, "no method " + request.method + " for " + request.path, "use " + allowed);
    refusal.fields["Allow"] = std::move(allowed);
    return tl::unexpected(std::move(refusal));
}

// What a handler reads: an object within the bounds of JSON from outside, or the refusal.
tl::expected<json, api::Reply> read_body(const Route& route, const api::Request& request) {
    if (route.takes == Route::Body::text) {
        return words_beside_text(request);
    }
    if (request.body.empty()) {
        return json::object();
    }
    auto read = base::read_json(request.body);
    if (!read || !read->is_object()) {
        const std::string why = read ? "it is something else" : read.error().line();
        return tl::unexpected(complain(400, core::Error{"the request's body is not a JSON object", why, "", 0}));
    }
    return std::move(*read);
}

// "done", "accepted" (its outcome is in the log) or why not, as the reply says it.
std::string outcome_of(const api::Reply& reply) {
    if (reply.status < 300) {
        return reply.status == 202 ? "accepted" : "done";
    }
    const json body = base::parse_json(reply.body, base::wide_bounds);
    const json error = body.is_object() ? body.value("error", json::object()) : json::object();
    return "refused: " +
           core::Error{error.value("what", ""), error.value("why", ""), error.value("mend", ""), 0}.line();
}

// The body as it was sent, but for what has a place of its own in the audit log.
std::string request_of(json body) {
    body.erase("why");
    body.erase("claimed_by");
    return body.dump(-1, ' ', false, json::error_handler_t::replace);
}

// What the audit log calls it. A dry run changes nothing, and must not read as if it had.
std::string name_of(const Route& route, const Call& call) {
    const auto in_body = call.body.find("dry_run");
    const auto in_query = call.request.query.find("dry_run");
    const bool dry = (in_body != call.body.end() && *in_body == true) ||
                     (in_query != call.request.query.end() && in_query->second == "1");
    return !dry || route.dry_run.empty() ? std::string(route.change) : std::string(route.dry_run);
}

// Its outcome is in the audit log before it is answered; without an id, in the log alone.
api::Reply carry_out_noted(const Route& route, const Call& call, std::optional<std::int64_t> id, const Words& words) {
    Control& control = call.services.control;
    std::string outcome = "refused: a fault in gatehouse";
    const auto note = [&] {
        const auto noted = id ? call.services.audit.end(*id, outcome) : core::Result<void>();
        if (!noted) {
            control.log("audit", {{"id", *id}, {"error", noted.error().line()}});
        }
        control.log("audit", {{"id", id ? Json(*id) : Json()},
                              {"what", name_of(route, call)},
                              {"request", id ? Json() : Json(request_of(call.body))},
                              {"who", words.who},
                              {"for", words.acts_for},
                              {"from", call.request.peer.from},
                              {"why", words.why},
                              {"outcome", outcome}});
    };
    try {
        api::Reply answer = route.handle(call);
        outcome = outcome_of(answer);
        note();
        return answer;
    } catch (...) {
        note();
        throw;
    }
}

// Answers at once; GET /v1/operation tells what became of it. Its thread ends with the process, if not before.
api::Reply carry_out_apart(const Route& route, const Call& call, std::int64_t id, const Words& words) {
    static std::atomic<unsigned> under_way = 0;
    if (under_way.fetch_add(1) >= apart_max) {
        under_way.fetch_sub(1);
        static_cast<void>(call.services.audit.end(id, "refused: too many changes are under way"));
        return complain(503, "cannot answer now", "too many changes are under way");
    }
    const auto work = [&route, services = call.services, request = call.request, body = call.body, id, words] {
        try {
            const api::Reply answer = carry_out_noted(route, {services, request, body}, id, words);
            if (answer.then) {
                answer.then();
            }
        } catch (const std::exception&) {
            // Noted already.
        }
        under_way.fetch_sub(1);
    };
    try {
        std::thread(work).detach();
    } catch (const std::system_error& error) {
        under_way.fetch_sub(1);
        static_cast<void>(call.services.audit.end(id, "refused: no thread for it"));
        return complain(503, core::Error{"cannot answer now", error.what(), "try later", 0});
    }
    return reply(202, Json{{"operation", id}});
}

api::Reply carry_out(const Route& route, const Call& call) {
    const api::Peer& peer = call.request.peer;
    const auto words = read_words(call.body, peer);
    if (!words) {
        return reply(words.error());
    }
    Control& control = call.services.control;
    const auto id = call.services.audit.begin({0,
                                               core::base::wall_now(),
                                               words->who,
                                               words->acts_for,
                                               peer.from,
                                               name_of(route, call),
                                               request_of(call.body),
                                               words->why,
                                               {}});
    if (!id) {
        control.log("audit", {{"error", id.error().line()}});
        if (route.emergency) {
            return carry_out_noted(route, call, std::nullopt, *words);
        }
        return complain(503,
                        {fmt::format("nothing was done: {} needs the state folder", route.change), id.error().line(),
                         "fences and the page still work; gatehouse status shows the folder", 0});
    }
    api::Reply answer = call.request.respond_async ? carry_out_apart(route, call, *id, *words)
                                                   : carry_out_noted(route, call, *id, *words);
    answer.fields["Gatehouse-Operation"] = std::to_string(*id);
    return answer;
}

}  // namespace

std::span<const Route> routes() noexcept {
    return table;
}

api::Reply answer(const Services& services, const api::Request& request) {
    const auto route = find(request);
    if (!route) {
        return route.error();
    }
    if (request.peer.role < (*route)->role) {
        const std::string& from = request.peer.from;
        services.refused.note({request.peer.user, from.substr(0, from.rfind(':')), request.method + " " + request.path,
                               fmt::format("its role is {}, and {} is needed", config::print(request.peer.role),
                                           config::print((*route)->role))});
        return complain(403, request.peer.user + " may not do this",
                        "use a token whose role is " + std::string(config::print((*route)->role)));
    }
    const auto body = read_body(**route, request);
    if (!body) {
        return body.error();
    }
    const Call call{services, request, *body};
    api::Reply made = (*route)->change.empty() ? (*route)->handle(call) : carry_out(**route, call);
    if (request.peer.role == config::Role::read) {
        made.body = made.type == "application/json" ? blot_line(made.body) : blot(std::string_view(made.body));
    }
    return made;
}

}  // namespace appliance::control
