// The routes of the configuration: the file, the firewall's change on trial, reload.
#include <nlohmann/json.hpp>

#include "appliance/control/routes/read_order.hpp"
#include "appliance/control/routes/replies.hpp"
#include "appliance/control/routes/routes.hpp"
#include "appliance/tls/digest.hpp"

namespace appliance::control {
namespace {

using Json = Control::Json;

// At least a second, so that an operator can confirm; at most an hour, because the verdicts of before are kept as long.
constexpr std::uint64_t confirm_min = 1'000;
constexpr std::uint64_t confirm_max = 3'600'000;
constexpr const char* confirm_range = "'confirm_ms' must be a number from 1000 to 3600000";

bool may_wait(std::uint64_t confirm) {
    return confirm >= confirm_min && confirm <= confirm_max;
}

// The text as it is; with format=json, {"file", "text", "trial"}.
api::Reply read_configuration(const Call& call) {
    const auto previous = flag_in(call.request, "previous");
    const auto format = call.request.query.find("format");
    const bool plain = format == call.request.query.end() || format->second == "toml";
    if (!previous || (!plain && format->second != "json")) {
        return complain(400, "'previous' is 0 or 1, 'format' toml or json");
    }
    Control& control = call.services.control;
    auto text = control.configuration(*previous ? Edition::previous : Edition::current);
    if (!text) {
        return reply(text.error());
    }
    if (plain) {
        return {200, "application/toml", std::move(*text)};
    }
    const std::string file = control.config()->file.string() + (*previous ? ".previous" : "");
    return reply(200, {{"file", file}, {"text", std::move(*text)}, {"trial", control.trial()}});
}

// The text is the request's body, as it is.
api::Reply change_configuration(const Call& call) {
    const auto words = read_words(call.body, call.request.peer);
    if (!words) {
        return reply(words.error());
    }
    const auto dry_run = flag_in(call.request, "dry_run");
    if (!dry_run) {
        return complain(400, "'dry_run' is 0 or 1");
    }
    const auto confirm = number_in(call.request, "confirm_ms");
    if (call.request.query.contains("confirm_ms") && (!confirm || !may_wait(*confirm))) {
        return complain(400, confirm_range);
    }
    const auto time = confirm ? std::optional(core::Milliseconds(*confirm)) : std::nullopt;
    return reply(call.services.control.apply({call.request.body, *dry_run, words->who, words->why, time}));
}

api::Reply reload_configuration(const Call& call) {
    const auto words = read_words(call.body, call.request.peer);
    if (!words) {
        return reply(words.error());
    }
    const nlohmann::json confirm = call.body.value("confirm_ms", nlohmann::json());
    if (!confirm.is_null() && (!confirm.is_number_unsigned() || !may_wait(confirm.get<std::uint64_t>()))) {
        return complain(400, confirm_range);
    }
    const auto time = confirm.is_null() ? std::nullopt : std::optional(core::Milliseconds(confirm.get<std::int64_t>()));
    return reply(call.services.control.reload({words->who, words->why, time}));
}

// A change that needs no more than its author and reason.
using Plain = Outcome<Json> (Control::*)(const std::string& who, const std::string& why);
template <Plain change>
api::Reply change_plain(const Call& call) {
    const auto words = read_words(call.body, call.request.peer);
    return words ? reply((call.services.control.*change)(words->who, words->why)) : reply(words.error());
}

api::Reply read_firewall(const Call& call) {
    return reply(200, call.services.control.firewall());
}

}  // namespace

nlohmann::json words_beside_text(const api::Request& request) {
    nlohmann::json words{{"bytes", request.body.size()}, {"sha256", tls::sha256_hex(request.body)}};
    for (const auto& [name, value] : request.query) {
        if (name == "why" || name == "claimed_by" || name == "dry_run" || name == "confirm_ms") {
            words[name] = value;
        }
    }
    return words;
}

std::span<const Route> configuration_routes() noexcept {
    static constexpr Route rows[] = {
        {"GET", "/v1/configuration", admin, read_configuration},
        {"PUT", "/v1/configuration", admin, change_configuration, "config apply", Route::Body::text, false,
         "config apply --dry-run"},
        {"POST", "/v1/configuration/confirm", admin, change_plain<&Control::confirm_configuration>, "config confirm"},
        {"POST", "/v1/configuration/rollback", admin, change_plain<&Control::rollback>, "config rollback"},
        {"POST", "/v1/reload", admin, reload_configuration, "reload"},
        {"GET", "/v1/firewall", look, read_firewall},
        {"POST", "/v1/firewall/confirm", admin, change_plain<&Control::confirm_firewall>, "firewall confirm"},
    };
    return rows;
}

}  // namespace appliance::control
