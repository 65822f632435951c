// A change of the configuration, from its order to the moment at which it counts for good: what the checks say of it is
// looked at, and one on trial goes back unless it is confirmed.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "appliance/config/load.hpp"
#include "appliance/control/engine/control.hpp"
#include "appliance/control/link/messages.hpp"
#include "appliance/control/observe/assessment.hpp"

namespace appliance::control {
namespace {

using Json = Control::Json;
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

Json view_trial(const std::optional<ConfigurationTrial>& trial) {
    return trial ? Json{{"who", trial->who},
                        {"why", trial->why},
                        {"since", core::base::print_time(trial->since)},
                        {"until", core::base::print_time(trial->until)}}
                 : Json();
}

core::Error waits(const ConfigurationTrial& trial) {
    return {"another change waits to be confirmed",
            fmt::format("by {}, until {}", trial.who, core::base::print_time(trial.until)),
            "gatehouse config confirm keeps it, gatehouse config rollback takes it back", 0};
}

core::Error nothing_to_confirm(bool late) {
    return {"nothing to confirm", late ? "the time is over" : "no change of the configuration is waiting",
            "gatehouse config apply FILE --confirm 60s puts a change on trial", 0};
}

}  // namespace

Outcome<Json> Control::reload(const ReloadOrder& order) {
    std::unique_lock lock(changing_);
    auto done = change({std::nullopt, order});
    const std::uint64_t change = look_.change;
    lock.unlock();
    return wait_for_look(std::move(done), change);
}

// The trial is on the disk before anything changes, so that no crash can make the change one for good.
Outcome<Json> Control::change(const Change& change) {
    if (trial_ && !change.order.confirm) {
        auto refused = refuse(409, waits(*trial_));
        log("reload", {{"error", refused.value().error.line()}, {"who", change.order.who}, {"why", change.order.why}});
        return refused;
    }
    const auto before = state().config;
    const auto text = change.text ? core::Result<std::string>(*change.text) : file_.text();
    const auto wanted = text ? config::parse(*text, before->file) : config::load(before->file);
    const bool differs = text && *text != running_text_;
    const std::set<std::string> served = wanted ? served_before(*before, report(), *wanted) : std::set<std::string>();
    const auto former = trial_;
    if (wanted && differs && change.order.confirm) {
        if (auto begun = begin_trial(change.order, served); !begun) {
            return refuse(409, std::move(begun.error()));
        }
    }
    auto taken = change.text ? replace_file(*change.text, change.order.who, change.order.why)
                             : take_file(change.order.who, change.order.why);
    if (!taken) {
        if (const auto back = trial_ == former ? core::Result<void>() : set_trial(former); !back) {
            log("configuration", {{"error", back.error().line()}});
        }
        return taken;
    }
    const auto now = state().config;
    look_ = {look_.change + 1, served, Clock::now() + patience_for(*now, served) + look_slack, false, {}, {}};
    if (trial_ && !(trial_ == former)) {
        log("configuration", {{"state", "on trial"},
                              {"who", trial_->who},
                              {"why", trial_->why},
                              {"until", core::base::print_time(trial_->until)}});
    }
    (*taken)["trial"] = view_trial(trial_);
    return taken;
}

// The file must be one that we can put back.
core::Result<void> Control::begin_trial(const ReloadOrder& order, const std::set<std::string>& served) {
    if (auto writable = file_.try_writing(); !writable) {
        return writable;
    }
    const core::WallTime wall = core::base::wall_now();
    const Milliseconds now = boot_now();
    ConfigurationTrial next{trial_ ? trial_->before : running_text_,
                            order.who,
                            order.why,
                            wall,
                            wall + *order.confirm,
                            now,
                            now + *order.confirm,
                            served};
    if (trial_) {
        next.served.insert(trial_->served.begin(), trial_->served.end());
    }
    return set_trial(std::move(next));
}

core::Result<void> Control::set_trial(std::optional<ConfigurationTrial> trial) {
    if (auto saved = save_trial(state().config->control.state, trial); !saved) {
        return saved;
    }
    trial_ = std::move(trial);
    const std::lock_guard lock(state_mutex_);
    trial_shown_ = view_trial(trial_);
    return {};
}

// What was on trial when the process before this one ended still is. Where the file is the one before, that process had
// not come as far as to change it.
void Control::recover_trial() {
    const auto config = state().config;
    running_text_ = file_.text().value_or("");
    if (keeper_.trouble()) {
        return;  // and why has been said
    }
    auto stored = load_trial(config->control.state);
    if (!stored) {
        log("configuration", {{"error", stored.error().line()}});
        return;
    }
    if (!*stored) {
        return;
    }
    const bool untouched = (*stored)->before == running_text_;
    if (const auto kept = set_trial(untouched ? std::nullopt : std::move(*stored)); !kept) {
        log("configuration", {{"error", kept.error().line()}});
    }
    look_.served = trial_ ? trial_->served : std::set<std::string>();
}

Outcome<Json> Control::wait_for_look(Outcome<Json> done, std::uint64_t change) {
    while (done) {
        std::unique_lock lock(changing_);
        if (look_.change == change && !look_.concluded) {
            keep_look(Clock::now());
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

void Control::keep_look(Clock::time_point now) {
    if ((look_.concluded && !trial_) || now < go_back_at_) {
        return;
    }
    const Assessment seen = assess(*state().config, look_.served, report());
    if (trial_ && !seen.dark.empty()) {
        static_cast<void>(go_back(fmt::format("{}", fmt::join(seen.dark, "; ")), now));
        return;
    }
    if (!look_.concluded && (seen.decided || now >= look_.until)) {
        look_.concluded = true;
        look_.warnings = seen.dark;
        look_.warnings.insert(look_.warnings.end(), seen.doubtful.begin(), seen.doubtful.end());
        if (!look_.warnings.empty()) {
            log("reload", {{"warnings", look_.warnings}});
        }
    }
}

void Control::keep_trial(Clock::time_point now) {
    if (now < trial_at_) {
        return;
    }
    const std::unique_lock lock(changing_, std::try_to_lock);
    if (!lock || !proxy_known_) {
        trial_at_ = now + trial_step;  // the main loop does not wait for an order, see expire(), and does not spin
        return;
    }
    const bool busy = trial_ || !look_.concluded || relax_at_;
    trial_at_ = now + (busy ? trial_step : idle_step);
    if (trial_ && is_over(*trial_, boot_now()) && now >= go_back_at_) {
        static_cast<void>(go_back("nobody confirmed it in time", now));
    }
    keep_look(now);
    if (relax_at_ && now >= *relax_at_) {
        relax_at_.reset();
        if (proxy_.status().state == ProxyState::running) {
            static_cast<void>(configure(*state().config));
        }
    }
}

// First what serves, then what the next start would find. What cannot be done is tried again; until then it is on
// trial.
Outcome<Json> Control::go_back(const std::string& why, Clock::time_point now) {
    const ConfigurationTrial trial = *trial_;
    const auto running = state().config;
    const auto give_up = [&](const core::Error& error) {
        core::Error refused{"cannot go back to the configuration before", error.line(), "it is tried again", 0};
        log("configuration", {{"error", refused.line()}});
        look_.concluded = true;
        look_.warnings = {refused.line()};
        go_back_at_ = now + go_back_again;
        return refuse(409, std::move(refused));
    };
    auto wanted = config::parse(trial.before, running->file);
    if (!wanted) {
        return give_up({wanted.error().front().text(), "", "", 0});
    }
    going_back_ = true;
    auto taken = take_wanted(std::move(*wanted), "gatehouse", why);
    going_back_ = false;
    if (!taken) {
        return give_up(taken.error().error);
    }
    running_text_ = trial.before;
    auto done = file_.text() == trial.before ? core::Result<void>()
                                             : file_.replace(trial.before).and_then([this] { return file_.keep(); });
    done = done.and_then([this] { return set_trial(std::nullopt); });
    if (!done) {
        return give_up(done.error());
    }
    relax_at_ = now + relax_after;
    look_.concluded = true;
    look_.gone_back = why;
    log("configuration",
        {{"state", "gone back"}, {"why", why}, {"who", trial.who}, {"since", core::base::print_time(trial.since)}});
    return taken;
}

Outcome<Json> Control::roll_trial_back(const std::string& who, const std::string& why) {
    auto back = go_back(fmt::format("{} rolled it back{}{}", who, why.empty() ? "" : ": ", why), Clock::now());
    if (back) {
        back->update(Json{{"file", state().config->file.string()}, {"written", true}, {"trial", nullptr}});
    }
    return back;
}

Outcome<Json> Control::confirm_configuration(const std::string& who, const std::string& why) {
    const std::lock_guard lock(changing_);
    const bool late = trial_ && is_over(*trial_, boot_now());
    if (!trial_ || late) {
        return refuse(409, nothing_to_confirm(late));
    }
    const ConfigurationTrial trial = *trial_;
    if (auto kept = set_trial(std::nullopt); !kept) {
        return refuse(std::move(kept.error()));
    }
    relax_at_ = Clock::now();
    log("configuration", {{"state", "confirmed"}, {"who", who}, {"why", why}});
    return Json{{"confirmed", view_trial(trial)}, {"file", state().config->file.string()}};
}

Json Control::trial() const {
    const std::lock_guard lock(state_mutex_);
    return trial_shown_;
}

}  // namespace appliance::control
