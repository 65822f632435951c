#include "appliance/control/routes_configuration.hpp"

#include <nlohmann/json.hpp>

#include "appliance/api/entrance.hpp"
#include "appliance/control/read_order.hpp"
#include "appliance/control/replies.hpp"

namespace appliance::control {

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
    return reply(200, {{"file", file}, {"text", std::move(*text)}});
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
    return reply(call.services.control.apply({call.request.body, *dry_run, words->who, words->why}));
}

nlohmann::json words_beside_text(const api::Request& request) {
    nlohmann::json words{{"bytes", request.body.size()}, {"sha256", api::sha256_hex(request.body)}};
    for (const auto& [name, value] : request.query) {
        if (name == "why" || name == "claimed_by" || name == "dry_run") {
            words[name] = value;
        }
    }
    return words;
}

}  // namespace appliance::control
