#include "appliance/cli/outcome.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>

#include "appliance/base/bounded_json.hpp"
#include "appliance/cli/exit_code.hpp"
#include "appliance/cli/show.hpp"
#include "appliance/cli/show_audit.hpp"
#include "appliance/cli/show_diagnose.hpp"
#include "appliance/cli/show_guard.hpp"
#include "appliance/cli/show_update.hpp"
#include "appliance/cli/view.hpp"
#include "appliance/config/nearest.hpp"

namespace appliance::cli {
namespace {

std::string complaint(const std::string& text) {
    return fmt::format("gatehouse: {}\n", clean(text));
}

Outcome refusal(const api::Answer& answer) {
    const Json body = base::parse_json<Json>(answer.body, base::wide_bounds);
    std::string said = print_error(body);
    if (said.empty()) {
        said = fmt::format("the daemon answered {} and no reason; look at its log", answer.status);
    }
    Outcome outcome{failed, {}, complaint(said)};
    if (answer.status == 422) {
        outcome.code = wrong_usage;
        for (const Json& problem : items(body, "problems")) {
            outcome.err += problem.is_string() ? clean(problem.get<std::string>()) + "\n" : "";
        }
    } else if (answer.status == 408 || answer.status == 504) {
        outcome.code = timed_out;
    }
    return outcome;
}

// Leaves only the named pool and what listens for it. False where there is none.
bool keep_pool(Json& body, const std::string& name) {
    const auto keep = [&body](const char* list, const auto& wanted) {
        Json kept = Json::array();
        std::copy_if(items(body, list).begin(), items(body, list).end(), std::back_inserter(kept), wanted);
        const bool found = !kept.empty();
        body[list] = std::move(kept);
        return found;
    };
    if (body.contains("listeners")) {
        keep("listeners", [&](const Json& listener) { return text(listener, "pool") == name; });
    }
    return keep("pools", [&](const Json& pool) { return text(pool, "name") == name; });
}

std::string suggest_pool(const Json& body, const std::string& word) {
    std::vector<std::string> names;
    for (const Json& pool : items(body, "pools")) {
        names.push_back(text(pool, "name"));
    }
    return config::suggest(word, std::vector<std::string_view>(names.begin(), names.end()), "pools");
}

std::string show(const Json& body, const Json& before, const Options& options, core::WallTime now, const Style& style) {
    switch (options.command) {
        case Command::status:
            return show_status(body, now, style);
        case Command::rules:
            return show_rules(body, now, style);
        case Command::fence:
            return show_fenced(body, options, now, style);
        case Command::unfence:
            return show_unfenced(body, options, style);
        case Command::weight:
            return show_weights(body, before, style);
        case Command::update_status:
            return show_update(body, style);
        case Command::update_install:
        case Command::update_rollback:
        case Command::update_reboot:
            return show_update_asked(body);
        case Command::guard:
            return show_guards(body, now, style);
        case Command::audit:
            return show_audit(body, now, style);
        case Command::config_apply:
        case Command::config_rollback:
            return show_applied(body, style);
        case Command::config_show:
            return text(body, "text");
        case Command::config_confirm:
            return show_confirmed(body, style);
        case Command::connect:
            return show_connected(body, style);
        case Command::resolve:
            return show_resolved(body, style);
        case Command::ping:
            return show_pinged(body, style);
        case Command::reload:
            return show_reloaded(body, style);
        case Command::firewall_status:
        case Command::firewall_confirm:
            return show_firewall(body, now, style);
        case Command::maintenance_on:
        case Command::maintenance_off:
        case Command::maintenance_status:
            return show_maintenance(body, now, style);
        default:  // these have their words elsewhere
            break;
    }
    return dump(body);
}

// What the daemon has to say about a change that it has made, such as whose fence was there before.
std::string notes_of(const Json& body) {
    std::string lines;
    for (const Json& note : items(body, "notes")) {
        lines += note.is_string() ? clean(note.get<std::string>()) + "\n" : "";
    }
    return lines;
}

// What is no failure, and what an operator must see all the same.
std::string warnings(const Json& body, const Options& options) {
    std::string all;
    for (const Json& warning : items(body, "warnings")) {
        all += warning.is_string() ? complaint("warning: " + warning.get<std::string>()) : "";
    }
    if (options.command == Command::config_show && !options.previous && field(body, "trial").is_object()) {
        all += complaint(
            fmt::format("on trial until {}; gatehouse config confirm keeps it", text(field(body, "trial"), "until")));
    }
    return all;
}

// What was waited for and did not come, though the command itself was done; empty where nothing was.
std::string missed(const Json& body, const Options& options) {
    if (options.command == Command::fence && options.end == FenceEnd::drain && field(body, "drained") == false) {
        return fmt::format(
            "not drained within {}: {}; the fence holds, repeat the command to wait longer or use --kill",
            core::base::print_duration(options.drain), print_in_flight(body, "in_flight"));
    }
    if (options.command == Command::unfence && options.wait && field(body, "passed") == false) {
        return fmt::format("no check has passed within {}: the fence is lifted; see gatehouse status",
                           core::base::print_duration(*options.wait));
    }
    return {};
}

}  // namespace

std::string dump(const Json& value) {
    return value.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Outcome outcome_of(const api::Answer& answer, const Options& options, core::WallTime now, const Style& style) {
    return outcome_of(answer, options, now, style, Json());
}

Outcome outcome_of(const api::Answer& answer, const Options& options, core::WallTime now, const Style& style,
                   const Json& before) {
    if (answer.status < 200 || answer.status > 299) {
        return refusal(answer);
    }
    if (options.nft || (options.command == Command::metrics && !options.json)) {
        return {done, answer.body, {}};
    }
    Json body = base::parse_json<Json>(answer.body, base::wide_bounds);
    if (!body.is_object()) {
        return {failed, {}, complaint("the daemon's answer is not JSON; is it another version?")};
    }
    const bool reads = options.command == Command::status || options.command == Command::maintenance_status;
    if (reads && options.pool) {
        const auto known = suggest_pool(body, *options.pool);
        if (!keep_pool(body, *options.pool)) {
            return {failed, {}, complaint(fmt::format("no pool '{}'; {}", *options.pool, known))};
        }
    }
    if (options.command == Command::log && !options.json) {
        return {done, show_log(answer.body, style), {}};
    }
    Outcome outcome{done, options.json ? dump(body) : show(body, before, options, now, style),
                    notes_of(body) + warnings(body, options)};
    if (options.command == Command::guard && field(body, "allowed") != true) {
        outcome.code = failed;
    }
    if (const auto why = diagnosis(body, options); !why.empty()) {
        outcome.code = failed;
        outcome.err += complaint(why);
    }
    if (const auto miss = missed(body, options); !miss.empty()) {
        outcome.code = timed_out;
        outcome.err += complaint(miss);
    }
    return outcome;
}

Outcome outcome_of_unwritten(int error) {
    if (error == EPIPE) {
        return {done, {}, {}};
    }
    return {failed, {}, complaint(core::fail_os("cannot write to standard output", error).value().line())};
}

Outcome outcome_of(const core::Error& error) {
    return {unreachable, {}, complaint(error.line())};
}

}  // namespace appliance::cli
