#include "appliance/control/routes/routes_deploy.hpp"

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>

#include "appliance/config/nearest.hpp"
#include "appliance/config/placeholder.hpp"
#include "appliance/control/routes/read_order.hpp"
#include "appliance/control/routes/replies.hpp"
#include "appliance/deploy/recipe_json.hpp"

namespace appliance::control {
namespace {

using nlohmann::json;
using Json = deploy::Conductor::Json;

constexpr std::int64_t patience_max = 30'000;
constexpr unsigned history_max = 1000;
constexpr std::int64_t expires_max = 7LL * 24 * 3600 * 1000;

api::Reply reply_to(const deploy::Outcome<Json>& outcome) {
    return outcome ? reply(200, *outcome) : complain(outcome.error().status, outcome.error().error);
}

// 0 where the query does not say; nothing where it says no number.
std::optional<std::int64_t> number_or_zero(const api::Request& request, const char* name) {
    const auto number = request.query.contains(name) ? number_in(request, name) : 0;
    return number && *number <= INT64_MAX ? std::optional(static_cast<std::int64_t>(*number)) : std::nullopt;
}

// When it may begin.
core::Result<void> read_times(const json& body, deploy::Order& order) {
    if (const json at = body.value("at", json()); !at.is_null()) {
        auto time = core::base::parse_time(at.is_string() ? at.get<std::string>() : std::string());
        if (!time) {
            return core::fail("'at' must be a time", "", "write it as 2026-11-22T14:00:00Z");
        }
        order.starts = *time;
    }
    if (const json expires = body.value("expires_ms", json()); !expires.is_null()) {
        if (!expires.is_number_integer() || expires < 1 || expires > expires_max) {
            return core::fail("'expires_ms' must be a number from 1 to a week");
        }
        order.expires = core::Milliseconds(expires.get<std::int64_t>());
    }
    return {};
}

// Whose word a command is, where the order brings it.
void note_sources(const json& body, const std::string& who, config::Recipe& recipe) {
    if (body.contains("run") && body["run"].is_string()) {
        recipe.run_source = "--run by " + who;
    }
    if (body.contains("rollback") && body["rollback"].is_string()) {
        recipe.rollback_source = "--rollback by " + who;
    }
}

core::Result<deploy::Order> read_order(const json& body, const config::Config& config, const std::string& who) {
    deploy::Order order;
    const json named = body.value("recipe", json());
    if (named.is_string() && named != "") {
        const config::Recipe* recipe = config.recipe(named.get<std::string>());
        if (recipe == nullptr) {
            std::vector<std::string_view> names;
            std::transform(config.recipes.begin(), config.recipes.end(), std::back_inserter(names),
                           [](const config::Recipe& known) { return std::string_view(known.name); });
            return core::fail("no recipe '" + named.get<std::string>() + "'", "",
                              config::suggest(named.get<std::string>(), names, "recipes"));
        }
        order.recipe = *recipe;
    } else if (!named.is_null() && named != "") {
        return core::fail("'recipe' must be a name");
    }
    const json strategy = body.value("strategy", json());
    const auto parsed = deploy::parse_strategy(strategy.is_string() ? strategy.get<std::string>() : "");
    if (!parsed || *parsed == deploy::Strategy::rollback) {
        return core::fail("'strategy' must be rolling or maintenance");
    }
    order.strategy = *parsed;
    const json dry_run = body.value("dry_run", json(false));
    const json overridden = body.value("override", json(""));
    if (!dry_run.is_boolean() || !overridden.is_string() ||
        overridden.get_ref<const std::string&>().size() > words_max) {
        return core::fail("'dry_run' must be true or false, 'override' a reason of at most 1000 bytes");
    }
    order.dry_run = dry_run;
    order.overridden = overridden;
    if (auto times = read_times(body, order); !times) {
        return tl::unexpected(std::move(times.error()));
    }
    return deploy::from_json(body, order.recipe)
        .and_then([&order] { return config::check_placeholders(order.recipe.run); })
        .and_then([&order] { return config::check_placeholders(order.recipe.rollback); })
        .map([&] {
            note_sources(body, who, order.recipe);
            return std::move(order);
        });
}

// Throws json::exception where it is no whole number of that range: the library would cut it to one.
template <typename Number>
Number whole_number(const json& value) {
    const bool fits = value.is_number_unsigned()  ? std::in_range<Number>(value.get<std::uint64_t>())
                      : value.is_number_integer() ? std::in_range<Number>(value.get<std::int64_t>())
                                                  : false;
    if (!fits) {
        throw json::type_error::create(302, "no whole number of its range", &value);
    }
    return value.get<Number>();
}

std::vector<unsigned> read_steps(const json& list) {
    std::vector<unsigned> steps;
    for (const json& step : list) {
        steps.push_back(whole_number<unsigned>(step));
    }
    return steps;
}

// Throws json::exception where a field is of the wrong type.
deploy::Sync read_sync(const json& body) {
    deploy::Sync sync;
    sync.rollout = whole_number<std::int64_t>(body.at("rollout"));
    sync.runner = body.at("runner").get<std::string>().substr(0, words_max);
    sync.running = read_steps(body.value("running", json::array()));
    for (const json& output : body.value("outputs", json::array())) {
        sync.outputs.push_back({whole_number<unsigned>(output.at("step")), output.at("text").get<std::string>()});
    }
    for (const json& result : body.value("results", json::array())) {
        sync.results.push_back({whole_number<unsigned>(result.at("step")),
                                whole_number<int>(result.value("exit_code", json(0))),
                                result.value("trouble", std::string()), result.value("refused", false)});
    }
    sync.after = whole_number<std::int64_t>(body.value("after", json(0)));
    sync.patience = core::Milliseconds(
        std::clamp<std::int64_t>(whole_number<std::int64_t>(body.value("wait_ms", json(0))), 0, patience_max));
    return sync;
}

// What was accepted; nothing where the field is no digest. Empty: it is not there.
std::optional<std::string> read_accepted(const json& body) {
    constexpr std::size_t digits = 64;
    const json digest = body.value("commands_digest", json());
    if (digest.is_null()) {
        return std::string();
    }
    return digest.is_string() && digest.get_ref<const std::string&>().size() == digits
               ? std::optional(digest.get<std::string>())
               : std::nullopt;
}

api::Reply complain_of_digest() {
    return complain(400, {"'commands_digest' must be 64 hexadecimal digits", "", "", 0});
}

// Who has taken which commands is in the audit log before the answer gives them out. Where it cannot be written they
// stay: the next sync of that runner says that it has not got them.
api::Reply answer_sync(deploy::Conductor& conductor, AuditLog& audit, const json& body, const api::Peer& peer) {
    deploy::Sync sync;
    try {
        sync = read_sync(body);
    } catch (const json::exception&) {
        return complain(400, {"the request is no sync", "a field is missing or of the wrong type", "", 0});
    }
    const auto outcome = conductor.sync(sync);
    if (!outcome || (*outcome)["take"].empty()) {
        return reply_to(outcome);
    }
    const json taken{{"rollout", sync.rollout}, {"runner", sync.runner}, {"commands", (*outcome)["take"]}};
    const auto id = audit.begin({0,
                                 core::base::wall_now(),
                                 peer.user,
                                 {},
                                 peer.from,
                                 "deploy take",
                                 taken.dump(-1, ' ', false, json::error_handler_t::replace),
                                 {},
                                 {}});
    if (!id) {
        return complain(503, {"no command is given out: it needs the state folder", id.error().line(), "", 0});
    }
    static_cast<void>(audit.end(*id, "done"));
    return reply_to(outcome);
}

api::Reply answer_rollback(deploy::Conductor& conductor, const deploy::Words& words, const json& body) {
    const json command = body.value("run", json(""));
    const json rolling = body.value("rolling", json(false));
    const json dry_run = body.value("dry_run", json(false));
    if (!command.is_string() || !rolling.is_boolean() || !dry_run.is_boolean()) {
        return complain(400, {"'run' must be a command, 'rolling' and 'dry_run' true or false", "", "", 0});
    }
    if (const auto checked = config::check_placeholders(command.get<std::string>()); !checked) {
        return complain(400, checked.error());
    }
    const auto accepted = read_accepted(body);
    if (!accepted) {
        return complain_of_digest();
    }
    return reply_to(dry_run == true
                        ? conductor.view_rollback(words, command.get<std::string>(), rolling == true)
                        : conductor.roll_back(words, command.get<std::string>(), rolling == true, *accepted));
}

api::Reply answer_resume(deploy::Conductor& conductor, const deploy::Words& words, const json& body) {
    const json skip = body.value("skip", json(false));
    const auto accepted = read_accepted(body);
    if (!accepted) {
        return complain_of_digest();
    }
    return skip.is_boolean() ? reply_to(conductor.resume(words, skip == true, *accepted))
                             : complain(400, {"'skip' must be true or false", "", "", 0});
}

}  // namespace

api::Reply read_deploy(deploy::Conductor& conductor, const api::Request& request) {
    const auto id = number_or_zero(request, "id");
    const auto after = number_or_zero(request, "after");
    const auto wait = number_or_zero(request, "wait_ms");
    const auto last = number_or_zero(request, "last");
    if (!id || !after || !wait || !last) {
        return complain(400,
                        {"a number of the query is none", request.path, "id, after, wait_ms and last are numbers", 0});
    }
    if (request.path == "/v1/deploy/history") {
        return reply_to(
            conductor.history(std::min<unsigned>(*last == 0 ? 20 : static_cast<unsigned>(*last), history_max)));
    }
    if (request.path == "/v1/deploy/report") {
        return reply_to(conductor.report(*id));
    }
    if (request.path == "/v1/deploy/journal") {
        return reply_to(conductor.journal(*id, *after, core::Milliseconds(std::min(*wait, patience_max))));
    }
    return reply_to(conductor.view(*id));
}

api::Reply change_deploy(deploy::Conductor& conductor, AuditLog& audit, const config::Config& config,
                         const api::Request& request, const json& body) {
    if (request.path == "/v1/deploy/sync") {
        return answer_sync(conductor, audit, body, request.peer);
    }
    auto read = read_words(body, request.peer);
    if (!read) {
        return reply(read.error());
    }
    const deploy::Words words{std::move(read->who), std::move(read->why)};
    if (request.path == "/v1/deploy/rollback") {
        return answer_rollback(conductor, words, body);
    }
    if (request.path == "/v1/deploy/pause") {
        return reply_to(conductor.pause(words));
    }
    if (request.path == "/v1/deploy/resume") {
        return answer_resume(conductor, words, body);
    }
    if (request.path == "/v1/deploy/abort") {
        return reply_to(conductor.abort(words));
    }
    if (request.path != "/v1/deploy") {
        return complain(404, {"no resource " + request.path, "", "", 0});
    }
    auto order = read_order(body, config, words.who);
    if (!order) {
        return complain(400, order.error());
    }
    const auto accepted = read_accepted(body);
    if (!accepted) {
        return complain_of_digest();
    }
    order->words = words;
    order->accepted = *accepted;
    return reply_to(conductor.start(*order));
}

}  // namespace appliance::control
