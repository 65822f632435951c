#include "appliance/control/configuration/trial_keeper.hpp"

#include <fmt/format.h>

#include <thread>
#include <utility>

#include "appliance/config/file/load.hpp"
#include "appliance/control/observe/assessment.hpp"

namespace appliance::control {
namespace {

using Json = nlohmann::ordered_json;
using core::Milliseconds;

// How often the checks are asked while something waits for them, and at other times.
constexpr Milliseconds wait_step{20};
constexpr Milliseconds trial_step{50};
constexpr Milliseconds idle_step{500};
// A check that runs into its timeout has ended a little after it.
constexpr Milliseconds look_slack{500};
constexpr Milliseconds go_back_again{5'000};
// Until checks have found a server of the configuration that came back.
constexpr Milliseconds relax_after{2'000};

core::Error nothing_to_confirm(bool late) {
    return {"nothing to confirm", late ? "the time is over" : "no change of the configuration is waiting",
            "gatehouse config apply FILE --confirm 60s puts a change on trial", 0};
}

}  // namespace

nlohmann::ordered_json view_trial(const std::optional<ConfigurationTrial>& trial) {
    return trial ? Json{{"who", trial->who},
                        {"why", trial->why},
                        {"since", core::base::print_time(trial->since)},
                        {"until", core::base::print_time(trial->until)}}
                 : Json();
}

void TrialKeeper::begin_look(const std::set<std::string>& served) {
    const Milliseconds patience = patience_for(*shared_.wanted().config, served) + look_slack;
    look_ = {look_.change + 1, served, Clock::now() + patience, false, {}, {}};
}

// The file must be one that we can put back.
core::Result<void> TrialKeeper::begin(const ReloadOrder& order, const std::set<std::string>& served) {
    if (auto writable = reloader_.file().try_writing(); !writable) {
        return writable;
    }
    const core::WallTime wall = core::base::wall_now();
    const Milliseconds now = boot_now();
    ConfigurationTrial next{shared_.trial ? shared_.trial->before : reloader_.running_text(),
                            order.who,
                            order.why,
                            wall,
                            wall + *order.confirm,
                            now,
                            now + *order.confirm,
                            served};
    if (shared_.trial) {
        next.served.insert(shared_.trial->served.begin(), shared_.trial->served.end());
    }
    return set(std::move(next));
}

core::Result<void> TrialKeeper::set(std::optional<ConfigurationTrial> trial) {
    if (auto saved = save_trial(shared_.wanted().config->control.state, trial); !saved) {
        return saved;
    }
    shared_.trial = std::move(trial);
    const std::lock_guard lock(shown_mutex_);
    shown_ = view_trial(shared_.trial);
    return {};
}

// What was on trial when the process before this one ended still is. Where the file is the one before, that process had
// not come as far as to change it.
void TrialKeeper::recover() {
    const auto config = shared_.wanted().config;
    reloader_.set_running_text(reloader_.file().text().value_or(""));
    if (shared_.keeper.trouble()) {
        return;  // and why has been said
    }
    auto stored = load_trial(config->control.state);
    if (!stored) {
        shared_.log("configuration", {{"error", stored.error().line()}});
        return;
    }
    if (!*stored) {
        return;
    }
    const bool untouched = (*stored)->before == reloader_.running_text();
    if (const auto kept = set(untouched ? std::nullopt : std::move(*stored)); !kept) {
        shared_.log("configuration", {{"error", kept.error().line()}});
    }
    look_.served = shared_.trial ? shared_.trial->served : std::set<std::string>();
}

Outcome<Json> TrialKeeper::wait_for_look(Outcome<Json> done, std::uint64_t change) {
    while (done) {
        std::unique_lock lock(shared_.changing);
        if (look_.change == change && !look_.concluded) {
            look(Clock::now());
        }
        if (look_.change != change) {
            break;  // another change has followed
        }
        if (!look_.gone_back.empty()) {
            return refuse(409, {"the configuration before is back", look_.gone_back, "mend it, and apply it again", 0});
        }
        if (look_.concluded) {
            (*done)["warnings"] = look_.warnings;
            break;
        }
        lock.unlock();
        std::this_thread::sleep_for(wait_step);
    }
    return done;
}

void TrialKeeper::look(Clock::time_point now) {
    if ((look_.concluded && !shared_.trial) || now < go_back_at_) {
        return;
    }
    const Assessment seen = assess(*shared_.wanted().config, look_.served, shared_.report());
    if (shared_.trial && !seen.dark.empty()) {
        static_cast<void>(go_back(fmt::format("{}", fmt::join(seen.dark, "; ")), now));
        return;
    }
    if (!look_.concluded && (seen.decided || now >= look_.until)) {
        look_.concluded = true;
        look_.warnings = seen.dark;
        look_.warnings.insert(look_.warnings.end(), seen.doubtful.begin(), seen.doubtful.end());
        if (!look_.warnings.empty()) {
            shared_.log("reload", {{"warnings", look_.warnings}});
        }
    }
}

void TrialKeeper::tick(Clock::time_point now) {
    if (now < due_) {
        return;
    }
    const std::unique_lock lock(shared_.changing, std::try_to_lock);
    if (!lock || !shared_.proxy_known) {
        due_ = now + trial_step;  // the main loop does not wait for an order, see StateUpkeep, and does not spin
        return;
    }
    const bool busy = shared_.trial || !look_.concluded || relax_at_;
    due_ = now + (busy ? trial_step : idle_step);
    if (shared_.trial && is_over(*shared_.trial, boot_now()) && now >= go_back_at_) {
        static_cast<void>(go_back("nobody confirmed it in time", now));
    }
    look(now);
    if (relax_at_ && now >= *relax_at_) {
        relax_at_.reset();
        if (shared_.proxy.status().state == ProxyState::running) {
            static_cast<void>(proxy_sync_.configure(*shared_.wanted().config));
        }
    }
}

// First what serves, then what the next start would find. What cannot be done is tried again; until then it is on
// trial.
Outcome<Json> TrialKeeper::go_back(const std::string& why, Clock::time_point now) {
    const ConfigurationTrial trial = *shared_.trial;
    const auto running = shared_.wanted().config;
    const auto give_up = [&](const core::Error& error) {
        core::Error refused{"cannot go back to the configuration before", error.line(), "it is tried again", 0};
        shared_.log("configuration", {{"error", refused.line()}});
        look_.concluded = true;
        look_.warnings = {refused.line()};
        go_back_at_ = now + go_back_again;
        return refuse(409, std::move(refused));
    };
    auto wanted = config::parse(trial.before, running->file);
    if (!wanted) {
        return give_up({wanted.error().front().text(), "", "", 0});
    }
    shared_.going_back = true;
    auto taken = reloader_.take(std::move(*wanted), "gatehouse", why);
    shared_.going_back = false;
    if (!taken) {
        return give_up(taken.error().error);
    }
    reloader_.set_running_text(trial.before);
    auto done = reloader_.file().text() == trial.before
                    ? core::Result<void>()
                    : reloader_.file().replace(trial.before).and_then([this] { return reloader_.file().keep(); });
    done = done.and_then([this] { return set(std::nullopt); });
    if (!done) {
        return give_up(done.error());
    }
    relax_at_ = now + relax_after;
    look_.concluded = true;
    look_.gone_back = why;
    shared_.log(
        "configuration",
        {{"state", "gone back"}, {"why", why}, {"who", trial.who}, {"since", core::base::print_time(trial.since)}});
    return taken;
}

Outcome<Json> TrialKeeper::roll_back(const std::string& who, const std::string& why) {
    auto back = go_back(fmt::format("{} rolled it back{}{}", who, why.empty() ? "" : ": ", why), Clock::now());
    if (back) {
        back->update(Json{{"file", shared_.wanted().config->file.string()}, {"written", true}, {"trial", nullptr}});
    }
    return back;
}

Outcome<Json> TrialKeeper::confirm(const std::string& who, const std::string& why) {
    const std::lock_guard lock(shared_.changing);
    const bool late = shared_.trial && is_over(*shared_.trial, boot_now());
    if (!shared_.trial || late) {
        return refuse(409, nothing_to_confirm(late));
    }
    const ConfigurationTrial trial = *shared_.trial;
    if (auto kept = set(std::nullopt); !kept) {
        return refuse(std::move(kept.error()));
    }
    relax_at_ = Clock::now();
    shared_.log("configuration", {{"state", "confirmed"}, {"who", who}, {"why", why}});
    return Json{{"confirmed", view_trial(trial)}, {"file", shared_.wanted().config->file.string()}};
}

Json TrialKeeper::view() const {
    const std::lock_guard lock(shown_mutex_);
    return shown_;
}

}  // namespace appliance::control
