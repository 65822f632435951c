// `gatehouse upgrade`: asked of one daemon and answered by the next.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>

#include "appliance/base/bounded_json.hpp"
#include "appliance/cli/client/arguments.hpp"
#include "appliance/cli/client/change.hpp"
#include "appliance/cli/client/exit_code.hpp"
#include "appliance/cli/views/standing.hpp"

namespace appliance::cli {
namespace {

using UpgradeClock = std::chrono::steady_clock;

constexpr core::Milliseconds default_wait{60'000};
// How long the daemon lets the new binary take to say whether it can run.
constexpr std::chrono::seconds upgrade_check_max{10};
constexpr std::chrono::milliseconds look_step{50};

std::string side(const std::string& version, std::int64_t proxy) {
    return fmt::format("{} (proxy {})", version, proxy);
}

// What `status` says of the upgrade of that number: its outcome, or nothing while there is none.
std::optional<Outcome> upgrade_outcome(const api::Answer& status, std::int64_t number_wanted, bool as_json) {
    const Json body = base::parse_json<Json>(status.body, base::wide_bounds);
    const Json& upgrade = field(body, "upgrade");
    const std::string state = text(upgrade, "state");
    if (number(upgrade, "number") < number_wanted || (state != "done" && state != "failed")) {
        return std::nullopt;
    }
    Outcome outcome{state == "done" ? done : failed, {}, {}};
    if (as_json) {
        outcome.out = dump(upgrade);
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

class UpgradeCommand : public Change {
public:
    using Change::Change;

    void declare(CLI::App& app, Common& common) override {
        add_wait(app, common, "--wait", "Wait up to DURATION until it serves (60s)");
        add_why(app, common);
        app.footer(
            "Example: gatehouse upgrade --why 'package 0.2'\n"
            "Returns when the new version serves. No connection is refused; requests under\n"
            "way end in the old proxy, within drain of [proxy]. A binary that cannot run\n"
            "here changes nothing; one that does not come to serve is given up (code 1).");
    }
    [[nodiscard]] Request request() const override {
        return change_request("/v1/upgrade", Json::object(), common(), upgrade_check_max);
    }
    [[nodiscard]] std::vector<Telling> look(const api::Client& /*client*/) const override {
        return {{"upgrade", "the new binary is being tried beside the old one"}};
    }
    [[nodiscard]] std::string stands(const api::Client& client) const override {
        const Json status = look_at(client, "/v1/status");
        return status.is_null() ? not_known : upgrade_stands(status);
    }
    int run(const Finish& finish) override { return finish(upgrade()); }

private:
    // Asks for the upgrade, then waits until the daemon says how it ended. Code 1 where it was refused or given up, 4
    // where --wait ran out before.
    [[nodiscard]] Outcome upgrade() const;
};

Outcome UpgradeCommand::upgrade() const {
    const api::Client client = client_for(common());
    const Witness seen = witness();
    Interrupts interrupts;
    Outcome early;
    const auto answered = send_and_tell(request(), client, seen, interrupts, early);
    if (!answered) {
        return early;
    }
    const core::Result<api::Answer>& begun = *answered;
    if (!begun) {
        return outcome_of(begun.error());
    }
    if (begun->status != 202) {
        return outcome(*begun, screen_now());
    }
    const auto upgrade_number = number(base::parse_json<Json>(begun->body, base::wide_bounds), "number");
    Teller teller;
    const auto tell_at = UpgradeClock::now() + first_look;
    const auto deadline = UpgradeClock::now() + common().wait.value_or(default_wait);
    for (auto left = deadline - UpgradeClock::now(); left > UpgradeClock::duration::zero();
         left = deadline - UpgradeClock::now()) {
        const auto patience = std::chrono::ceil<std::chrono::milliseconds>(left);
        const auto status = client.get("/v1/status", std::min(patience, api::Client::answer_timeout));
        if (!status && status.error().os_error != 0) {
            return outcome_of(status.error());  // no listener: the daemon has ended
        }
        // The control process that is asked may end over it, as it does in an upgrade.
        if (auto ended = status ? upgrade_outcome(*status, upgrade_number, common().json) : std::nullopt) {
            return std::move(*ended);
        }
        if (UpgradeClock::now() >= tell_at) {
            teller.tell({{"upgrade", status ? "the new version starts; the old one serves until it is ready"
                                            : "the control process changes; waiting for the new one"}});
        }
        if (const int signal = interrupts.wait(look_step); signal != 0) {
            return interrupted_by(signal, seen);
        }
    }
    return {
        timed_out,
        {},
        fmt::format("gatehouse: the new version does not serve within {}: the upgrade goes on without this command; "
                    "see gatehouse status --json\n",
                    core::base::print_duration(common().wait.value_or(default_wait)))};
}

}  // namespace

extern const Maker make_upgrade = make<UpgradeCommand>;

}  // namespace appliance::cli
