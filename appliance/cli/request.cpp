#include "appliance/cli/request.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "appliance/api/client.hpp"
#include "core/base/verify.hpp"

namespace appliance::cli {
namespace {

using nlohmann::json;

// How long the daemon lets the new binary take to say whether it can run.
constexpr std::chrono::seconds upgrade_check_max{10};

// Everything that changes something says why and who. Arguments may be any bytes; what is not UTF-8 is replaced.
Request post(std::string path, json body, const Options& options, const std::string& claimed_by,
             std::chrono::milliseconds wait = {}) {
    body["why"] = options.why;
    if (!claimed_by.empty()) {
        body["claimed_by"] = claimed_by;
    }
    return {std::move(path), body.dump(-1, ' ', false, json::error_handler_t::replace),
            api::Client::answer_timeout + wait, Request::Method::post};
}

Request get(std::string path) {
    return {std::move(path), {}, api::Client::answer_timeout};
}

// As a query's value (RFC 3986, section 2.1).
std::string escape(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                           std::string_view("-._~").find(c) != std::string_view::npos;
        out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return out;
}

json servers_of(const Options& options) {
    json body{{"servers", options.servers}};
    if (options.pool) {
        body["pool"] = *options.pool;
    }
    return body;
}

Request fence(const Options& options, const std::string& claimed_by) {
    json body = servers_of(options);
    if (options.mode) {
        body["mode"] = *options.mode;
    }
    if (options.all_packets) {
        body["scope"] = "all";
    }
    if (options.end == FenceEnd::drain) {
        body["drain_ms"] = options.drain.count();
    } else if (options.end == FenceEnd::kill) {
        body["kill"] = true;
    }
    if (options.lasts) {
        body["for_ms"] = options.lasts->count();
    }
    if (options.replace) {
        body["replace"] = true;
    }
    return post("/v1/fence", std::move(body), options, claimed_by, options.drain);
}

Request unfence(const Options& options, const std::string& claimed_by) {
    json body = servers_of(options);
    if (options.wait) {
        body["wait_ms"] = options.wait->count();
    }
    if (options.replace) {
        body["replace"] = true;
    }
    // Before it lifts anything the daemon waits for a deploy's command that runs there.
    constexpr core::Milliseconds command_wait{60'000};
    return post("/v1/unfence", std::move(body), options, claimed_by,
                options.wait.value_or(core::Milliseconds{}) + command_wait);
}

Request maintenance(const Options& options, const std::string& claimed_by) {
    json body{{"on", options.command == Command::maintenance_on}};
    if (options.pool) {
        body["pool"] = *options.pool;
    }
    if (options.message) {
        body["message"] = *options.message;
    }
    if (options.until) {
        body["until"] = core::base::print_time(*options.until);
    }
    return post("/v1/maintenance", std::move(body), options, claimed_by);
}

Request weight(const Options& options, const std::string& claimed_by) {
    json body = servers_of(options);
    if (options.weight) {
        body["weight"] = *options.weight;
    } else {
        body["reset"] = true;
    }
    return post("/v1/weight", std::move(body), options, claimed_by);
}

Request show_configuration(const Options& options) {
    return get(fmt::format("/v1/configuration?format=json{}", options.previous ? "&previous=1" : ""));
}

// The body is the text itself, so the rest stands in the query.
Request configuration_request(const Options& options, const std::string& claimed_by) {
    std::string path = "/v1/configuration?why=" + escape(options.why);
    path += claimed_by.empty() ? "" : "&claimed_by=" + escape(claimed_by);
    path += options.dry_run ? "&dry_run=1" : "";
    path += options.confirm ? fmt::format("&confirm_ms={}", options.confirm->count()) : "";
    return {std::move(path), options.text, api::Client::answer_timeout, Request::Method::put};
}

Request reload(const Options& options, const std::string& claimed_by) {
    json body = json::object();
    if (options.confirm) {
        body["confirm_ms"] = options.confirm->count();
    }
    return post("/v1/reload", std::move(body), options, claimed_by);
}

// Changes nothing, so nobody says why.
Request diagnose(std::string path, json body, const Options& options) {
    const core::Milliseconds timeout = options.wait.value_or(core::Milliseconds{5'000});
    body["timeout_ms"] = timeout.count();
    return {std::move(path), body.dump(-1, ' ', false, json::error_handler_t::replace),
            api::Client::answer_timeout + timeout, Request::Method::post};
}

Request guard(const Options& options) {
    std::string path = "/v1/guard?for_ms=" + std::to_string(options.lasts.value_or(core::Milliseconds{}).count());
    if (options.at) {
        path += "&at=" + core::base::print_time(*options.at);
    }
    // Guards ask servers of their own, with a patience of their own.
    return {std::move(path), {}, std::chrono::minutes(5)};
}

// What reads and what tries something out; nothing where the command changes something, or asks nothing.
std::optional<Request> asking(const Options& options) {
    switch (options.command) {
        case Command::status:
            return get("/v1/status");
        case Command::rules:
            return get(options.nft ? "/v1/rules?format=nft" : "/v1/rules");
        case Command::metrics:
            return get(options.json ? "/v1/metrics?format=json" : "/v1/metrics");
        case Command::update_status:
            return get("/v1/update");
        case Command::maintenance_status:
            return get(options.json ? "/v1/maintenance" : "/v1/status");
        case Command::firewall_status:
            return get("/v1/firewall");
        case Command::config_show:
            return show_configuration(options);
        case Command::guard:
            return guard(options);
        case Command::connect:
            return diagnose("/v1/diagnose/connect", {{"host", options.target}, {"port", options.port}}, options);
        case Command::resolve:
            return diagnose("/v1/diagnose/resolve", {{"name", options.target}}, options);
        case Command::ping:
            return diagnose("/v1/diagnose/ping", {{"host", options.target}, {"count", options.count}}, options);
        case Command::log:
            return get("/v1/log?lines=" + std::to_string(options.lines));
        case Command::support:
            return get("/v1/support");
        case Command::audit:
            return get("/v1/audit?last=" + std::to_string(options.last));
        default:  // it changes something: request_for
            return std::nullopt;
    }
}

}  // namespace

Request request_for(const Options& options, const std::string& claimed_by) {
    if (auto request = asking(options)) {
        return std::move(*request);
    }
    switch (options.command) {
        case Command::fence:
            return fence(options, claimed_by);
        case Command::unfence:
            return unfence(options, claimed_by);
        case Command::weight:
            return weight(options, claimed_by);
        case Command::update_install:
            return post("/v1/update/install", {{"source", options.source}, {"reboot", options.reboot}}, options,
                        claimed_by);
        case Command::update_rollback:
            return post("/v1/update/rollback", json::object(), options, claimed_by);
        case Command::update_reboot:
            return post("/v1/update/reboot", json::object(), options, claimed_by);
        case Command::maintenance_on:
        case Command::maintenance_off:
            return maintenance(options, claimed_by);
        case Command::firewall_confirm:
            return post("/v1/firewall/confirm", json::object(), options, claimed_by);
        case Command::reload:
            return reload(options, claimed_by);
        case Command::config_apply:
            return configuration_request(options, claimed_by);
        case Command::config_confirm:
            return post("/v1/configuration/confirm", json::object(), options, claimed_by);
        case Command::config_rollback:
            return post("/v1/configuration/rollback", json::object(), options, claimed_by);
        case Command::upgrade:
            return post("/v1/upgrade", json::object(), options, claimed_by, upgrade_check_max);
        default:  // refused below
            break;
    }
    VERIFY(!"run, check, token and host-fence ask nothing of a daemon; deploy and events ask by themselves");
    return {};
}

core::Result<api::Answer> send(const Request& request, const Options& options) {
    const api::Client client = client_for(options);
    switch (request.method) {
        case Request::Method::get:
            return client.get(request.path, request.timeout);
        case Request::Method::post:
            return client.post(request.path, request.body, request.timeout);
        case Request::Method::put:
            return client.put(request.path, request.body, request.timeout);
    }
    return core::fail("cannot ask gatehouse");
}

api::Client client_for(const Options& options) {
    return options.remote ? api::Client(*options.remote) : api::Client(options.socket);
}

}  // namespace appliance::cli
