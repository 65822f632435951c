// Routes: the HTTP API of the control process, from requests to orders and from outcomes to replies. Each subject is
// one file, routes_SUBJECT.cpp, with its handlers and the rows of its table. A new route is a handler and a row there,
// and its description in docs/openapi.json. A test compares the two.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string_view>

#include "appliance/api/server.hpp"
#include "appliance/control/engine/control.hpp"
#include "appliance/control/state/audit_log.hpp"
#include "appliance/control/state/refused_callers.hpp"
#include "appliance/deploy/conductor.hpp"

namespace appliance::control {

// What handlers work with; all of it outlives the API.
struct Services {
    Control& control;
    deploy::Conductor& conductor;
    AuditLog& audit;
    RefusedCallers& refused;
};

struct Call {
    const Services& services;
    const api::Request& request;
    const nlohmann::json& body;  // an object; empty where the request has none; beside a text, what its query says
};

struct Route {
    enum class Body { json, text };

    std::string_view method;  // "GET" (HEAD comes to it too), "POST" or "PUT"
    std::string_view path;
    config::Role role;  // that a caller needs
    api::Reply (*handle)(const Call& call);
    std::string_view change{};  // what the audit log calls it; empty: it changes nothing
    Body takes = Body::json;
    // It makes visitors safer, so it is carried out though the audit log cannot be written: the log has it then.
    bool emergency = false;
    std::string_view dry_run{};  // what the audit log calls it with "dry_run"; empty: it knows none
};

// The roles, as the tables name them.
inline constexpr auto look = config::Role::read;
inline constexpr auto operate = config::Role::operate;
inline constexpr auto admin = config::Role::admin;

// The rows of each subject.
[[nodiscard]] std::span<const Route> status_routes() noexcept;
[[nodiscard]] std::span<const Route> fence_routes() noexcept;
[[nodiscard]] std::span<const Route> configuration_routes() noexcept;
[[nodiscard]] std::span<const Route> deploy_routes() noexcept;
[[nodiscard]] std::span<const Route> event_routes() noexcept;
[[nodiscard]] std::span<const Route> diagnose_routes() noexcept;
[[nodiscard]] std::span<const Route> update_routes() noexcept;

// Every route there is. Any thread.
[[nodiscard]] std::span<const Route> routes();

// What the query says of a request with a text as its body: {"why", "claimed_by"}, "dry_run" and "confirm_ms" as they
// would stand in a JSON body, and for the audit log the text's size and digest.
nlohmann::json words_beside_text(const api::Request& request);

// Answers every request, also those that make no sense (400, 404, 405). A caller without the role for it gets 403,
// which the audit log counts. What callers with the role read get has passed redact(), whatever the route. A change
// is in the audit log before it begins, and its outcome before it is answered. Where the disk refuses the audit log, an
// emergency route's change is in the log alone, and every other change is refused (503). Any thread.
api::Reply answer(const Services& services, const api::Request& request);

}  // namespace appliance::control
