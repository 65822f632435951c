#include "appliance/cli/client/change.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "appliance/base/bounded_json.hpp"
#include "appliance/cli/client/exit_code.hpp"
#include "appliance/cli/terminal/ask.hpp"
#include "appliance/cli/terminal/table.hpp"

namespace appliance::cli {
namespace {

// False where the operator says no.
bool warn(const Warning& warning, const Common& common) {
    for (const std::string& line : warning.lines) {
        complain("gatehouse: " + line);
    }
    return !warning.asks || common.yes || !somebody_looks() || agreed();
}

}  // namespace

Json look_at(const api::Client& client, const char* path) {
    const auto answer = client.get(path, look_patience);
    Json body = answer && answer->status == 200 ? base::parse_json<Json>(answer->body, base::wide_bounds) : Json();
    return body.is_object() ? std::move(body) : Json();
}

std::string change_stands(const Json& audit) {
    const Json& entries = items(audit, "entries");
    if (entries.empty()) {
        return "the daemon has no such change on record; see gatehouse status";
    }
    const Json& last = entries.front();
    return fmt::format("the daemon's last change is {} by {}: {}. See gatehouse audit", text(last, "what", "?"),
                       text(last, "who", "?"), text(last, "outcome", "?"));
}

Warning Change::consider(const Json& /*status*/) {
    return {};
}

std::vector<Telling> Change::look(const api::Client& /*client*/) const {
    return {};
}

std::string Change::stands(const api::Client& client) const {
    const Json audit = look_at(client, "/v1/audit?last=1");
    return audit.is_null() ? not_known : change_stands(audit);
}

Witness Change::witness() const {
    return {[this] { return look(client_for(common())); }, [this] { return stands(client_for(common())); }};
}

int Change::run(const Finish& finish) {
    const api::Client client = client_for(common());
    if (looks_before()) {
        const auto status = client.get("/v1/status");
        if (!status) {
            return finish(outcome_of(status.error()));
        }
        const Json before = status->status == 200 ? base::parse_json<Json>(status->body, base::wide_bounds) : Json();
        if (!warn(consider(before), common())) {
            return finish({failed, {}, "gatehouse: nothing has been changed\n"});
        }
    }
    Interrupts interrupts;
    Outcome left;
    const auto answer = send_and_tell(request(), client, witness(), interrupts, left);
    if (!answer) {
        return finish(left);
    }
    return finish(*answer ? outcome(**answer, screen_now()) : outcome_of(answer->error()));
}

}  // namespace appliance::cli
