// The routes of deploys: requests to the conductor and its answers back.
#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>

#include "appliance/config/values/nearest.hpp"
#include "appliance/config/values/placeholder.hpp"
#include "appliance/control/routes/read_order.hpp"
#include "appliance/control/routes/replies.hpp"
#include "appliance/control/routes/routes.hpp"
#include "appliance/deploy/recipe_json.hpp"

namespace appliance::control {
namespace {

using nlohmann::json;
using Json = deploy::Conductor::Json;

constexpr std::int64_t patience_max = 30'000;
constexpr std::int64_t history_max = 1'000;
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

// The source of each command that the order brings.
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

// The audit log names the taker of commands before the answer gives them out. Where it cannot be written they stay: the
// next sync of that runner says that it has not got them.
api::Reply sync_deploy(const Call& call) {
    AuditLog& audit = call.services.audit;
    const api::Peer& peer = call.request.peer;
    deploy::Sync sync;
    try {
        sync = read_sync(call.body);
    } catch (const json::exception&) {
        return complain(400, {"the request is no sync", "a field is missing or of the wrong type", "", 0});
    }
    const auto outcome = call.services.conductor.sync(sync);
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

tl::expected<deploy::Words, api::Reply> read_deploy_words(const Call& call) {
    auto read = read_words(call.body, call.request.peer);
    if (!read) {
        return tl::unexpected(reply(read.error()));
    }
    return deploy::Words{std::move(read->who), std::move(read->why)};
}

api::Reply start_deploy(const Call& call) {
    const auto words = read_deploy_words(call);
    if (!words) {
        return words.error();
    }
    auto order = read_order(call.body, *call.services.control.config(), words->who);
    if (!order) {
        return complain(400, order.error());
    }
    const auto accepted = read_accepted(call.body);
    if (!accepted) {
        return complain_of_digest();
    }
    order->words = *words;
    order->accepted = *accepted;
    return reply_to(call.services.conductor.start(*order));
}

api::Reply roll_deploy_back(const Call& call) {
    const auto words = read_deploy_words(call);
    if (!words) {
        return words.error();
    }
    const json command = call.body.value("run", json(""));
    const json rolling = call.body.value("rolling", json(false));
    const json dry_run = call.body.value("dry_run", json(false));
    if (!command.is_string() || !rolling.is_boolean() || !dry_run.is_boolean()) {
        return complain(400, {"'run' must be a command, 'rolling' and 'dry_run' true or false", "", "", 0});
    }
    if (const auto checked = config::check_placeholders(command.get<std::string>()); !checked) {
        return complain(400, checked.error());
    }
    const auto accepted = read_accepted(call.body);
    if (!accepted) {
        return complain_of_digest();
    }
    deploy::Conductor& conductor = call.services.conductor;
    return reply_to(dry_run == true
                        ? conductor.view_rollback(*words, command.get<std::string>(), rolling == true)
                        : conductor.roll_back(*words, command.get<std::string>(), rolling == true, *accepted));
}

api::Reply pause_deploy(const Call& call) {
    const auto words = read_deploy_words(call);
    return words ? reply_to(call.services.conductor.pause(*words)) : words.error();
}

api::Reply resume_deploy(const Call& call) {
    const auto words = read_deploy_words(call);
    if (!words) {
        return words.error();
    }
    const json skip = call.body.value("skip", json(false));
    const auto accepted = read_accepted(call.body);
    if (!accepted) {
        return complain_of_digest();
    }
    return skip.is_boolean() ? reply_to(call.services.conductor.resume(*words, skip == true, *accepted))
                             : complain(400, {"'skip' must be true or false", "", "", 0});
}

api::Reply abort_deploy(const Call& call) {
    const auto words = read_deploy_words(call);
    return words ? reply_to(call.services.conductor.abort(*words)) : words.error();
}

// What a question about rollouts says in numbers; 0 where it does not.
struct Question {
    std::int64_t rollout = 0;  // 0: the last one
    std::int64_t after = 0;
    std::int64_t wait_ms = 0;
    std::int64_t last = 0;
};

tl::expected<Question, api::Reply> read_question(const api::Request& request) {
    const auto id = number_or_zero(request, "id");
    const auto after = number_or_zero(request, "after");
    const auto wait = number_or_zero(request, "wait_ms");
    const auto last = number_or_zero(request, "last");
    if (!id || !after || !wait || !last) {
        return tl::unexpected(complain(
            400, {"a number of the query is none", request.path, "id, after, wait_ms and last are numbers", 0}));
    }
    return Question{*id, *after, *wait, *last};
}

api::Reply read_deploy(const Call& call) {
    const auto asked = read_question(call.request);
    return asked ? reply_to(call.services.conductor.view(asked->rollout)) : asked.error();
}

api::Reply read_history(const Call& call) {
    constexpr std::int64_t usual = 20;
    const auto asked = read_question(call.request);
    if (!asked) {
        return asked.error();
    }
    const std::int64_t count = std::min(asked->last == 0 ? usual : asked->last, history_max);
    return reply_to(call.services.conductor.history(static_cast<unsigned>(count)));
}

api::Reply read_report(const Call& call) {
    const auto asked = read_question(call.request);
    return asked ? reply_to(call.services.conductor.report(asked->rollout)) : asked.error();
}

api::Reply read_journal(const Call& call) {
    const auto asked = read_question(call.request);
    if (!asked) {
        return asked.error();
    }
    const core::Milliseconds patience(std::min(asked->wait_ms, patience_max));
    return reply_to(call.services.conductor.journal(asked->rollout, asked->after, patience));
}

}  // namespace

std::span<const Route> deploy_routes() noexcept {
    static constexpr Route rows[] = {
        {"GET", "/v1/deploy", look, read_deploy},
        {"GET", "/v1/deploy/history", look, read_history},
        {"GET", "/v1/deploy/report", look, read_report},
        {"GET", "/v1/deploy/journal", look, read_journal},
        {"POST", "/v1/deploy", operate, start_deploy, "deploy", Route::Body::json, false, "deploy plan"},
        {"POST", "/v1/deploy/rollback", operate, roll_deploy_back, "deploy rollback"},
        {"POST", "/v1/deploy/pause", operate, pause_deploy, "deploy pause"},
        {"POST", "/v1/deploy/resume", operate, resume_deploy, "deploy resume"},
        {"POST", "/v1/deploy/abort", operate, abort_deploy, "deploy abort"},
        {"POST", "/v1/deploy/sync", operate, sync_deploy},
    };
    return rows;
}

}  // namespace appliance::control
