#include "appliance/cli/change.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "appliance/base/bounded_json.hpp"
#include "appliance/cli/ask.hpp"
#include "appliance/cli/before.hpp"
#include "appliance/cli/deploy.hpp"
#include "appliance/cli/exit_code.hpp"
#include "appliance/cli/standing.hpp"
#include "appliance/cli/table.hpp"

namespace appliance::cli {
namespace {

// An answer's object; null where there is none within the time.
Json look_at(const api::Client& client, const char* path) {
    const auto answer = client.get(path, look_patience);
    Json body = answer && answer->status == 200 ? base::parse_json<Json>(answer->body, base::wide_bounds) : Json();
    return body.is_object() ? std::move(body) : Json();
}

std::vector<Telling> see_now(const Options& options) {
    const api::Client client = client_for(options);
    switch (options.command) {
        case Command::fence:
        case Command::unfence: {
            const Json status = look_at(client, "/v1/status");
            if (status.is_null()) {
                return {{"daemon", "what stands is not known: the daemon does not answer within a second; waiting on"}};
            }
            return options.command == Command::fence ? tell_fence(status, look_at(client, "/v1/rules"), options)
                                                     : tell_unfence(status, options);
        }
        case Command::upgrade:
            return {{"upgrade", "the new binary is being tried beside the old one"}};
        case Command::deploy_abort:
            return tell_rollout(look_at(client, "/v1/deploy"));
        case Command::deploy_plan:
        case Command::deploy_rolling:
        case Command::deploy_maintenance:
            return {{"guards", "asking the guards"}};
        default:  // nothing else waits for something that has phases
            return {};
    }
}

std::string deploy_stands(const api::Client& client, const Options& options) {
    const auto answer = client.get("/v1/deploy", look_patience);
    const bool none = answer && answer->status == 404;
    if (!answer || (answer->status != 200 && !none)) {
        return not_known;
    }
    const bool begins = options.command == Command::deploy_rolling || options.command == Command::deploy_maintenance;
    return (none ? "no rollout has begun. See gatehouse deploy status"
                 : rollout_stands(base::parse_json<Json>(answer->body, base::wide_bounds))) +
           std::string(begins ? "; this one may begin yet, when the guards have been asked" : "");
}

std::string stands_now(const Options& options) {
    const api::Client client = client_for(options);
    if (is_deploy(options.command)) {
        return deploy_stands(client, options);
    }
    switch (options.command) {
        case Command::fence:
        case Command::unfence:
        case Command::maintenance_on:
        case Command::maintenance_off:
        case Command::upgrade:
            break;
        default: {  // the audit log knows of every change
            const Json audit = look_at(client, "/v1/audit?last=1");
            return audit.is_null() ? not_known : change_stands(audit);
        }
    }
    const Json status = look_at(client, "/v1/status");
    return status.is_null()                      ? not_known
           : options.command == Command::fence   ? fence_stands(status, options)
           : options.command == Command::unfence ? unfence_stands(status, options)
           : options.command == Command::upgrade ? upgrade_stands(status)
                                                 : page_stands(status, options);
}

// What was there before decides what is worth saying, and for a weight whether anything has changed.
bool looks_before(const Options& options) {
    const bool page = options.command == Command::maintenance_on || options.command == Command::maintenance_off;
    return options.command == Command::fence || options.command == Command::weight || (page && !options.pool);
}

// False where the caller says no.
bool warn(const Warning& warning, const Options& options) {
    for (const std::string& line : warning.lines) {
        complain("gatehouse: " + line);
    }
    return !warning.asks || options.yes || !somebody_looks() || agreed();
}

}  // namespace

bool changes(Command command) noexcept {
    switch (command) {
        case Command::fence:
        case Command::unfence:
        case Command::weight:
        case Command::maintenance_on:
        case Command::maintenance_off:
        case Command::firewall_confirm:
        case Command::reload:
        case Command::config_confirm:
        case Command::config_rollback:
        case Command::update_install:
        case Command::update_rollback:
        case Command::update_reboot:
            return true;
        case Command::run:
        case Command::check:
        case Command::status:
        case Command::rules:
        case Command::metrics:
        case Command::host_fence_add:
        case Command::host_fence_remove:
        case Command::host_fence_list:
        case Command::maintenance_status:
        case Command::firewall_status:
        case Command::config_show:
        case Command::config_apply:  // these and the deploys have a way of their own
        case Command::upgrade:
        case Command::update_status:
        case Command::deploy_plan:
        case Command::deploy_rolling:
        case Command::deploy_maintenance:
        case Command::deploy_rollback:
        case Command::deploy_status:
        case Command::deploy_pause:
        case Command::deploy_resume:
        case Command::deploy_abort:
        case Command::deploy_history:
        case Command::deploy_report:
        case Command::guard:
        case Command::audit:
        case Command::events:
        case Command::token:
        case Command::connect:
        case Command::resolve:
        case Command::ping:
        case Command::log:
        case Command::support:
            break;
    }
    return false;
}

Witness witness_of(const Options& options) {
    return {[&options] { return see_now(options); }, [&options] { return stands_now(options); }};
}

Outcome change(const Options& options, const std::string& claimed_by) {
    Json before;
    if (looks_before(options)) {
        const auto status = client_for(options).get("/v1/status");
        if (!status) {
            return outcome_of(status.error());
        }
        before = status->status == 200 ? base::parse_json<Json>(status->body, base::wide_bounds) : Json();
        if (!warn(warning_before(before, options), options)) {
            return {failed, {}, "gatehouse: nothing has been changed\n"};
        }
    }
    Interrupts interrupts;
    Outcome outcome;
    const auto answer =
        send_and_tell(request_for(options, claimed_by), options, witness_of(options), interrupts, outcome);
    if (!answer) {
        return outcome;
    }
    return *answer ? outcome_of(**answer, options, core::base::wall_now(), terminal_style(), before)
                   : outcome_of(answer->error());
}

}  // namespace appliance::cli
