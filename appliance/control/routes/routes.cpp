#include "appliance/control/routes/routes.hpp"

#include <fmt/format.h>

#include <atomic>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "appliance/base/bounded_json.hpp"
#include "appliance/control/diagnose/redact.hpp"
#include "appliance/control/routes/read_order.hpp"
#include "appliance/control/routes/replies.hpp"

namespace appliance::control {
namespace {

using Json = Control::Json;
using nlohmann::json;

// Changes at the same time that are answered at once.
constexpr unsigned apart_max = 32;

// The tables of all subjects, one behind the other.
std::vector<Route> join_tables() {
    std::vector<Route> all;
    for (const auto subject : {status_routes, fence_routes, configuration_routes, deploy_routes, event_routes,
                               diagnose_routes, update_routes}) {
        const std::span<const Route> rows = subject();
        all.insert(all.end(), rows.begin(), rows.end());
    }
    return all;
}

// The route of a request, or why there is none.
tl::expected<const Route*, api::Reply> find(const api::Request& request) {
    const std::string_view method = request.method == "HEAD" ? std::string_view("GET") : request.method;
    std::string allowed;
    for (const Route& route : routes()) {
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

std::span<const Route> routes() {
    static const std::vector<Route> all = join_tables();
    return all;
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
        made.body = made.type == "application/json" ? redact_line(made.body) : redact(std::string_view(made.body));
    }
    return made;
}

}  // namespace appliance::control
