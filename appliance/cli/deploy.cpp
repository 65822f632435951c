#include "appliance/cli/deploy.hpp"

#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "appliance/api/client.hpp"
#include "appliance/base/bounded_json.hpp"
#include "appliance/cli/change.hpp"
#include "appliance/cli/consent.hpp"
#include "appliance/cli/exit_code.hpp"
#include "appliance/cli/recipe_file.hpp"
#include "appliance/cli/remembered.hpp"
#include "appliance/cli/request.hpp"
#include "appliance/cli/runner.hpp"
#include "appliance/cli/show_deploy.hpp"
#include "appliance/cli/view.hpp"
#include "appliance/cli/watch_deploy.hpp"
#include "core/base/verify.hpp"

namespace appliance::cli {
namespace {

using Finish = int (*)(const Outcome&);

// An order may wait for guards, an abort for the steps under way.
constexpr std::chrono::minutes order_patience{3};

bool plans(const Options& options) {
    return options.dry_run || options.command == Command::deploy_plan;
}

// A recipe of this machine goes over the daemon's, and flags go over both. Error: it cannot be read.
core::Result<void> add_recipe_file(const Options& options, Json& body) {
    if (options.recipe_file.empty()) {
        return {};
    }
    return read_recipe_file(options.recipe_file, options.recipe).map([&body](const OwnCommands& own) {
        for (const auto& [key, value] : {std::pair{"run", own.run}, std::pair{"rollback", own.rollback}}) {
            if (value && !body.contains(key)) {
                body[key] = *value;
            }
        }
    });
}

Json body_of(const Options& options, const std::string& claimed_by) {
    Json body = options.settings.empty() ? Json::object() : base::parse_json<Json>(options.settings, base::wide_bounds);
    body["why"] = options.why;
    if (!claimed_by.empty()) {
        body["claimed_by"] = claimed_by;
    }
    switch (options.command) {
        case Command::deploy_plan:
        case Command::deploy_rolling:
        case Command::deploy_maintenance:
            body["strategy"] = options.command == Command::deploy_plan      ? options.strategy
                               : options.command == Command::deploy_rolling ? "rolling"
                                                                            : "maintenance";
            body["recipe"] = options.recipe;
            body["override"] = options.overridden;
            if (options.at) {
                body["at"] = core::base::print_time(*options.at);
            }
            if (options.lasts) {
                body["expires_ms"] = options.lasts->count();
            }
            body["dry_run"] = plans(options);
            break;
        case Command::deploy_rollback:
            body["run"] = options.run;
            body["rolling"] = options.rolling;
            body["dry_run"] = options.dry_run;
            break;
        case Command::deploy_resume:
            body["skip"] = options.skip;
            break;
        default:  // pause and abort say no more than who and why
            break;
    }
    return body;
}

const char* path_of(Command command) {
    switch (command) {
        case Command::deploy_rollback:
            return "/v1/deploy/rollback";
        case Command::deploy_pause:
            return "/v1/deploy/pause";
        case Command::deploy_resume:
            return "/v1/deploy/resume";
        case Command::deploy_abort:
            return "/v1/deploy/abort";
        case Command::deploy_plan:
        case Command::deploy_rolling:
        case Command::deploy_maintenance:
            return "/v1/deploy";
        default:  // no other command is an order about a rollout
            break;
    }
    VERIFY(!"an order about a rollout");
    return "";
}

bool runs_commands(const Options& options) {
    return !plans(options) &&
           (options.command == Command::deploy_rolling || options.command == Command::deploy_maintenance ||
            options.command == Command::deploy_rollback || options.command == Command::deploy_resume);
}

std::optional<core::Result<api::Answer>> send_order(const Options& options, const Json& body, Outcome& left) {
    const Request request{path_of(options.command), body.dump(-1, ' ', false, Json::error_handler_t::replace),
                          order_patience, Request::Method::post};
    Interrupts interrupts;  // until here; later ones are the runner's
    return send_and_tell(request, options, witness_of(options), interrupts, left);
}

int order(const Options& options, const std::string& claimed_by, Finish finish) {
    const api::Client client = client_for(options);
    const Style style = terminal_style();
    Json wanted = body_of(options, claimed_by);
    if (const auto added = add_recipe_file(options, wanted); !added) {
        return finish({wrong_usage, {}, "gatehouse: " + added.error().line() + "\n"});
    }
    Consent consent;
    if (runs_commands(options)) {
        auto given = consent_to(options, client, wanted);
        if (!given) {
            return finish(given.error());
        }
        consent = std::move(*given);
        if (!consent.digest.empty()) {
            wanted["commands_digest"] = consent.digest;
        }
    }
    Outcome left;
    const auto answered = send_order(options, wanted, left);
    if (!answered) {
        return finish(left);
    }
    const core::Result<api::Answer>& answer = *answered;
    if (!answer) {
        return finish(outcome_of(answer.error()));
    }
    const Json body = base::parse_json<Json>(answer->body, base::wide_bounds);
    if (answer->status != 200 || !body.is_object()) {
        return finish(outcome_of(*answer, options, core::base::wall_now(), style));
    }
    if (!runs_commands(options)) {
        return finish({done,
                       options.json     ? dump(body)
                       : plans(options) ? show_plan(body, style)
                                        : show_end(body, style),
                       {}});
    }
    // Where this fails, the next consent says why it is needed.
    if (!consent.permit.empty()) {
        static_cast<void>(remember(memory_file(), {daemon_name(options), number(body, "id"), consent.permit}));
    }
    Runner runner(client, number(body, "id"), claimed_by, std::move(consent.permit), options.json);
    const int code = runner.run();
    return finish({code, options.json ? dump(runner.rollout()) : show_end(runner.rollout(), style), {}});
}

int read(const Options& options, Finish finish) {
    const api::Client client = client_for(options);
    const Style style = terminal_style();
    const auto now = core::base::wall_now();
    const std::string path =
        options.command == Command::deploy_history  ? fmt::format("/v1/deploy/history?last={}", options.last)
        : options.command == Command::deploy_report ? fmt::format("/v1/deploy/report?id={}", options.rollout)
                                                    : fmt::format("/v1/deploy?id={}", options.rollout);
    const auto answer = client.get(path);
    if (!answer) {
        return finish(outcome_of(answer.error()));
    }
    const Json body = base::parse_json<Json>(answer->body, base::wide_bounds);
    if (answer->status != 200 || !body.is_object()) {
        return finish(outcome_of(*answer, options, now, style));
    }
    if (options.json) {
        return finish({done, dump(body), {}});
    }
    return finish({done,
                   options.command == Command::deploy_history  ? show_history(body, now, style)
                   : options.command == Command::deploy_report ? show_report(body, now, style)
                                                               : show_rollout(body, now, style),
                   {}});
}

}  // namespace

bool is_deploy(Command command) noexcept {
    return command >= Command::deploy_plan && command <= Command::deploy_report;
}

int deploy(const Options& options, const std::string& claimed_by, Finish finish) {
    switch (options.command) {
        case Command::deploy_status:
            return options.watch ? watch_rollout(options, finish) : read(options, finish);
        case Command::deploy_history:
        case Command::deploy_report:
            return read(options, finish);
        default:  // path_of knows every other deploy command, and refuses what is none
            return order(options, claimed_by, finish);
    }
}

}  // namespace appliance::cli
