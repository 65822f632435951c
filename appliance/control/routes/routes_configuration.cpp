#include "appliance/control/routes/routes_configuration.hpp"

#include <nlohmann/json.hpp>

#include "appliance/control/routes/read_order.hpp"
#include "appliance/control/routes/replies.hpp"
#include "appliance/tls/digest.hpp"

namespace appliance::control {

namespace {

// A second, so that somebody can; an hour, because the verdicts of before are kept as long.
constexpr std::uint64_t confirm_min = 1'000;
constexpr std::uint64_t confirm_max = 3'600'000;
constexpr const char* confirm_range = "'confirm_ms' must be a number from 1000 to 3600000";

bool may_wait(std::uint64_t confirm) {
    return confirm >= confirm_min && confirm <= confirm_max;
}

}  // namespace

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

nlohmann::json words_beside_text(const api::Request& request) {
    nlohmann::json words{{"bytes", request.body.size()}, {"sha256", tls::sha256_hex(request.body)}};
    for (const auto& [name, value] : request.query) {
        if (name == "why" || name == "claimed_by" || name == "dry_run" || name == "confirm_ms") {
            words[name] = value;
        }
    }
    return words;
}

}  // namespace appliance::control
