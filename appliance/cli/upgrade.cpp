#include "appliance/cli/upgrade.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>

#include "appliance/api/client.hpp"
#include "appliance/base/bounded_json.hpp"
#include "appliance/cli/change.hpp"
#include "appliance/cli/exit_code.hpp"
#include "appliance/cli/view.hpp"

namespace appliance::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr core::Milliseconds default_wait{60'000};
constexpr std::chrono::milliseconds look_step{50};

std::string side(const std::string& version, std::int64_t proxy) {
    return fmt::format("{} (proxy {})", version, proxy);
}

// What `status` says of the upgrade of that number: its outcome, or nothing while there is none.
std::optional<Outcome> upgrade_outcome(const api::Answer& status, std::int64_t number_wanted, const Options& options) {
    const Json body = base::parse_json<Json>(status.body, base::wide_bounds);
    const Json& upgrade = field(body, "upgrade");
    const std::string state = text(upgrade, "state");
    if (number(upgrade, "number") < number_wanted || (state != "done" && state != "failed")) {
        return std::nullopt;
    }
    Outcome outcome{state == "done" ? done : failed, {}, {}};
    if (options.json) {
        outcome.out = upgrade.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
    } else if (outcome.code == done) {
        outcome.out =
            clean(fmt::format("upgraded: {} -> {}", side(text(upgrade, "from"), number(upgrade, "proxy_before")),
                              side(text(upgrade, "to"), number(upgrade, "proxy")))) +
            "\n";
    }
    if (outcome.code == failed) {
        outcome.err = clean(fmt::format("gatehouse: not upgraded, version {} goes on: {}; look at the daemon's log",
                                        text(upgrade, "from"), text(upgrade, "error"))) +
                      "\n";
    }
    return outcome;
}

}  // namespace

Outcome upgrade(const Options& options, const std::string& claimed_by) {
    const api::Client client = client_for(options);
    const Witness witness = witness_of(options);
    Interrupts interrupts;
    Outcome early;
    const auto answered = send_and_tell(request_for(options, claimed_by), options, witness, interrupts, early);
    if (!answered) {
        return early;
    }
    const core::Result<api::Answer>& begun = *answered;
    if (!begun) {
        return outcome_of(begun.error());
    }
    if (begun->status != 202) {
        return outcome_of(*begun, options, core::base::wall_now(), terminal_style());
    }
    const auto upgrade_number = number(base::parse_json<Json>(begun->body, base::wide_bounds), "number");
    Teller teller;
    const auto tell_at = Clock::now() + first_look;
    const auto deadline = Clock::now() + options.wait.value_or(default_wait);
    for (auto left = deadline - Clock::now(); left > Clock::duration::zero(); left = deadline - Clock::now()) {
        const auto patience = std::chrono::ceil<std::chrono::milliseconds>(left);
        const auto status = client.get("/v1/status", std::min(patience, api::Client::answer_timeout));
        if (!status && status.error().os_error != 0) {
            return outcome_of(status.error());  // nobody listens: the daemon has ended
        }
        // The control process that is asked may end over it, as it does in an upgrade.
        if (auto outcome = status ? upgrade_outcome(*status, upgrade_number, options) : std::nullopt) {
            return std::move(*outcome);
        }
        if (Clock::now() >= tell_at) {
            teller.tell({{"upgrade", status ? "the new version starts; the old one serves until it is ready"
                                            : "the control process changes; waiting for the new one"}});
        }
        if (const int signal = interrupts.wait(look_step); signal != 0) {
            return interrupted_by(signal, witness);
        }
    }
    return {
        timed_out,
        {},
        fmt::format("gatehouse: the new version does not serve within {}: the upgrade goes on without this command; "
                    "see gatehouse status --json\n",
                    core::base::print_duration(options.wait.value_or(default_wait)))};
}

}  // namespace appliance::cli
