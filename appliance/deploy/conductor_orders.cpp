// Orders of operators: start, roll back, pause, resume, abort.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "appliance/deploy/command.hpp"
#include "appliance/deploy/conductor.hpp"
#include "appliance/deploy/plan.hpp"
#include "appliance/deploy/views.hpp"

namespace appliance::deploy {
namespace {

constexpr std::chrono::seconds abort_patience{60};

std::string by(const Words& words) {
    return fmt::format("by {}{}{}", words.who, words.why.empty() ? "" : ": ", words.why);
}

// Names the active rollout, its operator, and whether a command line still runs its commands.
core::Error busy(const Rollout& active, const std::optional<core::WallTime>& heard) {
    const auto age = core::base::print_age(core::base::wall_now() - active.created);
    const bool alone = !heard || core::base::wall_now() - *heard > Conductor::silence_max;
    return {fmt::format("rollout {} of {} is {}", active.id, active.recipe.pool, print(active.state)),
            fmt::format("{} began it {} ago{}", active.who, age, alone ? ", and nobody runs its commands now" : ""),
            active.state == State::paused || alone ? "gatehouse deploy resume goes on with it, deploy abort ends it"
                                                   : "wait for its end, or end it: gatehouse deploy abort",
            0};
}

// Refused where an operator's fence stands for one of the servers: a rollout never lifts that.
Outcome<void> check_fences(Actions& actions, const Rollout& rollout) {
    for (const Standing& standing : actions.standings(rollout.recipe.pool)) {
        const bool ours = std::any_of(rollout.steps.begin(), rollout.steps.end(), [&](const Step& step) {
            return step.kind == Kind::run && step.servers.front() == standing.server;
        });
        if (ours && !standing.fence.empty() && !standing.owner) {
            return refuse(409, fmt::format("{} is fenced by hand", standing.server), standing.fence,
                          "lift that fence, or name the other servers with --servers");
        }
    }
    return {};
}

}  // namespace

Outcome<Conductor::Json> Conductor::start(const Order& order) {
    auto planned = plan(*actions_.config(), order);
    if (!planned) {
        return tl::unexpected(std::move(planned.error()));
    }
    if (auto free = check_fences(actions_, *planned); !free) {
        return tl::unexpected(std::move(free.error()));
    }
    // Asks about the time of the start. The guards are asked again then, so their answer about a later time forbids
    // nothing.
    const auto agreed = order.overridden.empty()
                            ? actions_.guards(order.starts.value_or(core::base::wall_now()), order.recipe.expected)
                            : core::Result<std::string>("overridden");
    const bool waits = order.expires || order.recipe.wait > core::Milliseconds{};
    const bool may_wait = waits || order.starts;
    Lock lock(mutex_);
    if (auto known = need_known(); !known) {
        return tl::unexpected(std::move(known.error()));
    }
    if (order.dry_run) {
        Json view = view_rollout(*planned);
        add_commands(view, commands_of(*actions_.config(), *planned));
        view["guards"] = agreed ? *agreed : agreed.error().line();
        view["possible"] = (agreed || waits) && !active_;
        if (active_) {
            view["busy"] = busy(*active_, runner_heard_).line();
        }
        return view;
    }
    if (auto accepted = need_accepted(*planned, order.accepted); !accepted) {
        return tl::unexpected(std::move(accepted.error()));
    }
    if (auto quiet = need_quiet(); !quiet) {
        return tl::unexpected(std::move(quiet.error()));
    }
    if (active_) {
        return tl::unexpected(Refused{409, busy(*active_, runner_heard_)});
    }
    if (!agreed && !may_wait) {
        return refuse(409, "a guard forbids it", agreed.error().line(), "--wait 30m, or --override REASON");
    }
    auto kept = open_ledger().and_then([&] { return ledger_->add(*planned); });
    if (!kept) {
        return tl::unexpected(Refused{503, std::move(kept.error())});
    }
    active_ = std::move(*planned);
    attended_ = core::BootClock::now();
    note("state", std::nullopt,
         fmt::format("{} deploy of {} begun {}{}", print(active_->strategy), active_->recipe.pool, by(order.words),
                     order.overridden.empty() ? "" : "; guards overridden: " + order.overridden));
    static_cast<void>(flush());
    changed_.notify_all();
    return view_of(*active_);
}

// Refused where the ledger could not be read yet: a rollout of an earlier process may be under way.
Outcome<void> Conductor::need_known() {
    if (!recovered_) {
        if (auto opened = open_ledger(); !opened) {
            return tl::unexpected(Refused{503, std::move(opened.error())});
        }
    }
    return {};
}

// Refused as in need_known(), and while another order is being carried out.
Outcome<void> Conductor::need_quiet() {
    if (auto known = need_known(); !known) {
        return known;
    }
    return turning_ ? refuse(409, "another order about the rollout is being carried out", "", "try again in a moment")
                    : Outcome<void>();
}

// Refused where its commands are not those that the operator has accepted.
Outcome<void> Conductor::need_accepted(const Rollout& rollout, const std::string& accepted) {
    const bool same = accepted.empty() || accepted == config::digest_of(commands_of(*actions_.config(), rollout));
    return same ? Outcome<void>()
                : refuse(409, "the commands are others than those that were accepted", "",
                         "gatehouse deploy status shows them and their digest");
}

// Refused where nothing is under way.
Outcome<void> Conductor::need_active() {
    if (auto quiet = need_quiet(); !quiet) {
        return quiet;
    }
    return active_ && active_->active() && !aborting_
               ? Outcome<void>()
               : refuse(409, "no rollout is under way", "", "gatehouse deploy history shows those that ended");
}

Outcome<Conductor::Json> Conductor::pause(const Words& words) {
    const std::lock_guard lock(mutex_);
    if (auto active = need_active(); !active) {
        return tl::unexpected(std::move(active.error()));
    }
    set_state(State::paused, by(words));
    if (!flush()) {
        return tl::unexpected(Refused{503, ledger_error_});
    }
    return view_of(*active_);
}

Outcome<Conductor::Json> Conductor::resume(const Words& words, bool skip, const std::string& accepted) {
    const std::lock_guard lock(mutex_);
    if (auto active = need_active(); !active) {
        return tl::unexpected(std::move(active.error()));
    }
    if (auto agreed = need_accepted(*active_, accepted); !agreed) {
        return tl::unexpected(std::move(agreed.error()));
    }
    for (Step& step : active_->steps) {
        if (step.progress == Progress::failed && !step.excused) {
            step.progress = skip ? Progress::skipped : Progress::pending;
            step.evidence = skip ? fmt::format("marked as done {}", by(words)) : std::string();
            unsaved_.insert(step.id);
        }
    }
    attended_ = core::BootClock::now();
    if (active_->state == State::paused) {
        set_state(State::running, fmt::format("{}{}", skip ? "what failed is marked as done, " : "", by(words)));
    }
    if (!flush()) {
        return tl::unexpected(Refused{503, ledger_error_});
    }
    changed_.notify_all();
    return view_of(*active_);
}

Outcome<Conductor::Json> Conductor::abort(const Words& words) {
    Lock lock(mutex_);
    if (auto active = need_active(); !active) {
        return tl::unexpected(std::move(active.error()));
    }
    const std::int64_t id = active_->id;
    aborting_ = true;
    stop_ = true;
    active_->state_why = by(words);
    note("state", std::nullopt, "aborting " + active_->state_why);
    changed_.notify_all();
    // A command that ignores its end, or a full disk, must not delay the operator; status shows the rest.
    core::base::wait_for(changed_, lock, abort_patience, [&] { return !active_ || active_->id != id || ending_; });
    lock.unlock();
    return view(id);
}

bool Conductor::begin_rollback(Lock& lock, const Words& words, const std::string& command, bool rolling) {
    Rollout next = plan_rollback(*active_, words, command, rolling);
    const bool nothing = next.steps.empty();
    if (auto kept = nothing ? core::Result<void>() : ledger_->add(next); !kept) {
        ledger_error_ = std::move(kept.error());
        return false;
    }
    const Turn turn(*this);
    if (active_->active()) {
        put_right(lock);
    }
    active_->ended = core::base::wall_now();
    set_state(State::undone, nothing ? "nothing was touched" : fmt::format("by rollout {}: {}", next.id, words.why));
    if (!flush()) {
        return false;
    }
    jobs_.clear();
    drained_.clear();
    if (nothing) {
        leave();
        return true;
    }
    active_ = std::move(next);
    attended_ = core::BootClock::now();
    note("state", std::nullopt, fmt::format("rollback of rollout {} begun {}", active_->undoes, by(words)));
    static_cast<void>(flush());
    changed_.notify_all();
    return true;
}

// The rollout that a rollback would undo. Refused where there is none, or no command for it.
Outcome<Rollout> Conductor::find_undone(const std::string& command) {
    if (auto quiet = need_quiet(); !quiet) {
        return tl::unexpected(std::move(quiet.error()));
    }
    if (active_ && aborting_) {
        return refuse(409, fmt::format("rollout {} is being aborted", active_->id), "",
                      "wait for its end, then roll it back");
    }
    if (auto opened = open_ledger(); !opened) {
        return tl::unexpected(Refused{503, std::move(opened.error())});
    }
    if (active_ && !under_way_.empty()) {
        return refuse(409, "steps are under way", fmt::format("rollout {}", active_->id),
                      "gatehouse deploy pause first, and roll back when they have ended");
    }
    std::optional<Rollout> undone = active_;
    if (!undone) {
        auto last = ledger_->newest(1);
        if (!last || last->empty()) {
            return refuse(404, "nothing to roll back", "there was no rollout", "gatehouse deploy history");
        }
        auto whole = ledger_->find(last->front().id);
        if (!whole || !*whole) {
            return refuse(500, "cannot read the last rollout", whole ? "" : whole.error().line());
        }
        undone = std::move(**whole);
    }
    if (undone->strategy == Strategy::rollback) {
        return refuse(409, fmt::format("rollout {} is a rollback itself", undone->id));
    }
    if (command.empty() && undone->recipe.rollback.empty()) {
        return refuse(400, "no command that undoes it", "the recipe has no rollback", "give it with --run");
    }
    return std::move(*undone);
}

Outcome<Conductor::Json> Conductor::view_rollback(const Words& words, const std::string& command, bool rolling) {
    const std::lock_guard lock(mutex_);
    const auto undone = find_undone(command);
    if (!undone) {
        return tl::unexpected(undone.error());
    }
    const Rollout next = plan_rollback(*undone, words, command.empty() ? undone->recipe.rollback : command, rolling);
    Json view = view_rollout(next);
    add_commands(view, commands_of(*actions_.config(), next));
    return view;
}

Outcome<Conductor::Json> Conductor::roll_back(const Words& words, const std::string& command, bool rolling,
                                              const std::string& accepted) {
    Lock lock(mutex_);
    auto undone = find_undone(command);
    if (!undone) {
        return tl::unexpected(std::move(undone.error()));
    }
    const std::string with = command.empty() ? undone->recipe.rollback : command;
    if (auto agreed = need_accepted(plan_rollback(*undone, words, with, rolling), accepted); !agreed) {
        return tl::unexpected(std::move(agreed.error()));
    }
    active_ = std::move(*undone);
    if (!begin_rollback(lock, words, with, rolling)) {
        return tl::unexpected(Refused{503, ledger_error_});
    }
    return active_ ? view_of(*active_)
                   : tl::expected<Json, Refused>(refuse(409, "nothing to roll back", "no command had begun"));
}

}  // namespace appliance::deploy
