#include "appliance/cli/deploy/consent.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "appliance/cli/client/exit_code.hpp"
#include "appliance/cli/client/request.hpp"
#include "appliance/cli/deploy/recipe_file.hpp"
#include "appliance/cli/deploy/remembered.hpp"
#include "appliance/cli/terminal/ask.hpp"
#include "appliance/cli/terminal/table.hpp"

namespace appliance::cli {
namespace {

using Kind = CommandSource::Kind;

// Guards are asked for a plan.
constexpr std::chrono::minutes plan_patience{3};

Outcome refuse(std::string what, const std::string& why, const std::string& mend) {
    return {failed, {}, "gatehouse: " + core::Error{std::move(what), why, mend, 0}.line() + "\n"};
}

std::optional<std::string> own_setting(const Json& body, const char* key) {
    const Json& found = field(body, key);
    return found.is_string() ? std::optional(found.get<std::string>()) : std::nullopt;
}

// What the daemon would do, or is at. Error: it refuses, or does not answer.
tl::expected<Json, Outcome> ask_plan(const CommandSource& source, const Common& common, const api::Client& client,
                                     Json body) {
    body["dry_run"] = true;
    const std::string path = source.kind == Kind::begun ? "/v1/deploy" : "/v1/deploy/rollback";
    const auto answer = source.kind == Kind::resumed
                            ? client.get("/v1/deploy")
                            : client.post(path, change_request(path, std::move(body), common).body, plan_patience);
    if (!answer) {
        return tl::unexpected(outcome_of(answer.error()));
    }
    auto seen = body_of(*answer);
    if (!seen) {
        return seen;
    }
    if (const std::string busy = text(*seen, "busy"); !busy.empty()) {
        return tl::unexpected(Outcome{failed, {}, "gatehouse: " + clean(busy) + "\n"});
    }
    return seen;
}

// The line that says what these commands are, and names the person that wants them run.
std::string introduce(const CommandSource& source, const Json& seen) {
    const std::string why = text(seen, "why");
    const std::string began =
        fmt::format("{} began it{}{}", clean(text(seen, "who", "somebody")), why.empty() ? "" : ": ", clean(why));
    return source.kind == Kind::resumed
               ? fmt::format("gatehouse: rollout {} runs these commands on this machine, as you; {}",
                             number(seen, "id"), began)
               : "gatehouse: these commands come from the daemon and run on this machine, as you:";
}

// What is known of the operator's own commands without asking the daemon.
OwnCommands own_commands(const CommandSource& source, const Json& body) {
    return source.kind == Kind::undone ? OwnCommands{source.run, {}}
                                       : OwnCommands{own_setting(body, "run"), own_setting(body, "rollback")};
}

// What this user has let run of it before. Error: that cannot be known.
core::Result<Permit> remembered(const CommandSource& source, const Common& common, const Json& seen) {
    if (source.kind == Kind::begun) {
        return {};
    }
    return recall(memory_file(), daemon_name(common)).map([&](const std::optional<Ordered>& ordered) {
        // A rollback is a new rollout: what the plan's number says would be the daemon's word alone.
        const bool fits = ordered && (source.kind == Kind::resumed || number(seen, "id") == 0);
        return fits ? permit_for(*ordered, seen) : Permit();
    });
}

OwnCommands first_of(const OwnCommands& own, const OwnCommands& other) {
    return {own.run ? own.run : other.run, own.rollback ? own.rollback : other.rollback};
}

// The recipe of the daemon's configuration on this very machine, for what is not the operator's own already.
OwnCommands own_by_recipe(const Common& common, const Json& seen, const OwnCommands& own) {
    OwnCommands local = local_recipe(common, text(seen, "recipe"));
    if (text(seen, "strategy") == "rollback") {
        local.run = std::move(local.rollback);
        local.rollback.reset();
    }
    return first_of(own, local);
}

// No command of it is left: it has ended, or what is left is for testers and visitors. A command that comes all the
// same is refused, since the operator has not agreed to it.
bool runs_no_more(const Json& seen) {
    const std::string state = text(seen, "state");
    if (state != "running" && state != "paused") {
        return true;
    }
    const auto over = [](const Json& step) {
        const std::string progress = text(step, "progress");
        return text(step, "kind") != "run" || progress == "done" || progress == "skipped";
    };
    const auto commands = commands_in(seen);
    const auto& steps = items(seen, "steps");
    return commands && std::all_of(steps.begin(), steps.end(), over) &&
           std::all_of(commands->begin(), commands->end(),
                       [](const config::ServerCommand& command) { return command.purpose == config::Purpose::run; });
}

tl::expected<Consent, Outcome> agree(const CommandSource& source, const Common& common, const Json& seen,
                                     const OwnCommands& own) {
    auto commands = commands_in(seen);
    if (!commands) {
        return tl::unexpected(refuse("nothing was begun", "the daemon does not say which commands it would have run",
                                     "its version is another: upgrade it, or this gatehouse"));
    }
    for (const config::ServerCommand& command : *commands) {
        if (auto plain = config::check_values(command); !plain) {
            return tl::unexpected(refuse("nothing was begun", clean(plain.error().line()),
                                         "does the daemon at the other end still belong to you?"));
        }
    }
    const auto before = remembered(source, common, seen);
    Consent consent{Permit(own_by_recipe(common, seen, before ? first_of(own, before->own()) : own)),
                    config::digest_of(*commands)};
    if (before) {
        consent.permit.accept(before->accepted());
    }
    const bool theirs = !consent.permit.allows_all(*commands);
    consent.permit.accept(*commands);
    if (source.yes_run == consent.digest || (source.yes_run.empty() && !theirs)) {
        return consent;
    }
    if (!before) {
        complain("gatehouse: " + clean(before.error().line()));
    }
    complain(introduce(source, seen));
    std::fputs(show_commands(*commands, error_style()).c_str(), stderr);
    if (!source.yes_run.empty()) {
        return tl::unexpected(refuse("nothing was run", "--yes-run agrees to other commands than these",
                                     "read them, then name their digest"));
    }
    if (!somebody_looks()) {
        return tl::unexpected(
            refuse("nothing was run", "you have not agreed to these commands",
                   fmt::format("read them, then: gatehouse deploy {} … --yes-run {}", source.verb, consent.digest)));
    }
    if (!agreed()) {
        return tl::unexpected(Outcome{failed, {}, "gatehouse: nothing was run\n"});
    }
    return consent;
}

}  // namespace

std::string show_commands(const std::vector<config::ServerCommand>& commands, const Style& style) {
    std::string out;
    std::string source;
    for (const config::ServerCommand& command : commands) {
        const std::string from = command.source.empty() ? "nobody knows from where" : command.source;
        const bool after = command.purpose == config::Purpose::rollback;
        if (const std::string head = fmt::format("{}{}:", after ? "after a failure, " : "", from); head != source) {
            out += paragraph(head, style, 2);
            source = head;
        }
        out += paragraph(
            fmt::format("{} ({} port {}): {}", command.server, command.host, command.port, print_command(command.text)),
            style, 4);
    }
    return out + paragraph("commands digest: " + config::digest_of(commands), style, 2);
}

tl::expected<Consent, Outcome> consent_to(const CommandSource& source, const Common& common, const api::Client& client,
                                          const Json& body) {
    const OwnCommands own = own_commands(source, body);
    // Each command is compared with the operator's own when it comes.
    if (own.run && source.yes_run.empty()) {
        return Consent{Permit(own), {}};
    }
    const auto seen = ask_plan(source, common, client, body);
    if (!seen) {
        return tl::unexpected(seen.error());
    }
    if (source.kind == Kind::resumed && source.yes_run.empty() && runs_no_more(*seen)) {
        return Consent{};
    }
    return agree(source, common, *seen, own);
}

}  // namespace appliance::cli
