// The conductor's loop: begins steps, waits for their ends, and decides what follows. Orders are in
// conductor_orders.cpp, command lines in conductor_sync.cpp.
#include "appliance/deploy/conductor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace appliance::deploy {
namespace {

using Clock = core::BootClock;

// How often lost command lines are looked for, and a full disk is tried again.
constexpr std::chrono::milliseconds look{250};
// How often actions.ready() is asked.
constexpr std::chrono::milliseconds ready_look{10};

}  // namespace

Conductor::Conductor(Actions& actions, std::filesystem::path state) : actions_(actions), state_(std::move(state)) {
    if (auto opened = open_ledger(); !opened) {
        actions_.event("deploy", {{"error", opened.error().line()}});
    }
    thread_ = std::thread([this] { conduct(); });
}

Conductor::~Conductor() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
        stop_ = true;
        changed_.notify_all();
    }
    thread_.join();
    Lock lock(mutex_);
    changed_.wait(lock, [this] { return under_way_.empty(); });
}

core::Result<void> Conductor::open_ledger() {
    if (ledger_ && ledger_->writable()) {
        return {};
    }
    ledger_.reset();
    auto opened = Ledger::open(state_);
    if (!opened) {
        ledger_error_ = std::move(opened.error());
        return tl::unexpected(ledger_error_);
    }
    ledger_.emplace(std::move(*opened));
    return recovered_ ? core::Result<void>() : recover();
}

// Resumes an earlier process's steps, as soon as the ledger can be read. A command goes on by itself on the operator's
// machine, so it is waited for. Steps that the earlier process did itself begin again; each of them may be repeated.
core::Result<void> Conductor::recover() {
    auto found = ledger_->active();
    if (!found) {
        ledger_error_ = std::move(found.error());
        ledger_.reset();
        return tl::unexpected(ledger_error_);
    }
    recovered_ = true;
    if (found->empty()) {
        return {};
    }
    active_ = std::move(found->back());
    attended_ = Clock::now();
    found->pop_back();
    // A rollback begins before what it undoes ends, so that neither can be lost.
    for (Rollout& undone : *found) {
        std::vector<Entry> none;
        undone.state = State::undone;
        undone.ended = core::base::wall_now();
        static_cast<void>(ledger_->update(undone, {}, none));
    }
    for (Step& step : active_->steps) {
        if (step.progress != Progress::running) {
            continue;
        }
        if (step.kind == Kind::run && !step.evidence.empty()) {
            jobs_[step.id] =
                Job{.taken = true, .runner = step.evidence, .heard = Clock::now() + (return_max - silence_max)};
            static_cast<void>(actions_.begin_command(active_->id, active_->recipe.pool, step.servers.front()));
            under_way_.insert(step.id);
            std::thread([this, id = step.id, copy = *active_] { carry_out(id, copy); }).detach();
        } else {
            step.progress = Progress::pending;
            unsaved_.insert(step.id);
        }
    }
    if (active_->state == State::running && active_->recipe.on_restart == config::OnRestart::pause) {
        set_state(State::paused, "the daemon was restarted; gatehouse deploy resume goes on");
    } else {
        note("state", std::nullopt, "the daemon was restarted");
    }
    return {};
}

void Conductor::conduct() {
    // Nothing is decided before the proxy and the fence helper run and the kernel's fences are known.
    while (!ending_ && !actions_.ready()) {
        Lock lock(mutex_);
        core::base::wait_for(changed_, lock, ready_look, [this] { return ending_.load(); });
    }
    Lock lock(mutex_);
    while (!ending_) {
        if (!recovered_) {
            static_cast<void>(open_ledger());
        }
        if (active_ && !turning_) {
            look_for_lost();
            advance(lock);
        }
        core::base::wait_for(changed_, lock, look);
    }
}

void Conductor::advance(Lock& lock) {
    if (!flush()) {
        return;
    }
    if (!active_->active()) {
        leave();
        return;
    }
    const bool failed = std::any_of(active_->steps.begin(), active_->steps.end(), [](const Step& step) {
        return step.progress == Progress::failed && !step.excused;
    });
    if (aborting_) {
        if (under_way_.empty()) {
            finish(lock, State::aborted, active_->state_why);
        }
        return;
    }
    if (active_->state != State::running) {
        return;
    }
    if (failed) {
        after_failure(lock);
        return;
    }
    const std::vector<unsigned> ready = ready_steps(*active_);
    if (ready.empty() && under_way_.empty()) {
        const auto left_out = failed_servers(*active_);
        left_out.empty() ? finish(lock, State::done, {})
                         : finish(lock, State::failed,
                                  fmt::format("{} failed and {} fenced", fmt::join(left_out, ", "),
                                              left_out.size() == 1 ? "stays" : "stay"));
        return;
    }
    for (const unsigned step : ready) {
        // A server is not fenced for a command that no command line would run.
        const Kind kind = active_->steps.at(step).kind;
        if (alone() && (kind == Kind::floor || kind == Kind::page || kind == Kind::fence)) {
            set_state(State::paused, "nobody is there to run its commands; gatehouse deploy resume does");
            static_cast<void>(flush());
            return;
        }
        if (!begin(step)) {
            return;
        }
    }
}

// Each step is in the ledger before it begins.
bool Conductor::begin(unsigned id) {
    Step& step = active_->steps.at(id);
    const Step before = step;
    step.progress = Progress::running;
    step.again = before.began.has_value();
    step.began = core::base::wall_now();
    step.ended.reset();
    step.evidence.clear();
    // The journal has one line for each step, at its end. A run and a soak also have one at their begin: output
    // follows, or it takes long.
    const bool told = step.kind == Kind::run || step.kind == Kind::soak;
    if (told) {
        note("step", id, describe_step(step));
    }
    unsaved_.insert(id);
    if (!flush()) {
        step = before;
        unsaved_.erase(id);
        if (told) {
            unsaved_entries_.pop_back();
        }
        return false;
    }
    if (step.kind == Kind::run) {
        jobs_[id].began_before = before.began;
    }
    under_way_.insert(id);
    std::thread([this, id, copy = *active_] { carry_out(id, copy); }).detach();
    changed_.notify_all();
    return true;
}

// A step that this process's end interrupts stays running in the ledger, so the next process resumes it.
void Conductor::end(unsigned id, core::Result<std::string> result) {
    if (ending_ && !result) {
        return;
    }
    Step& step = active_->steps.at(id);
    const auto job = jobs_.find(id);
    const bool never_begun = !result && job != jobs_.end() && job->second.withdrawn;
    const auto began_before = never_begun ? job->second.began_before : std::nullopt;
    jobs_.erase(id);
    unsaved_.insert(id);
    if (never_begun) {
        step.progress = Progress::pending;
        step.began = began_before;
        static_cast<void>(flush());
        return;
    }
    const bool first_failure = std::none_of(active_->steps.begin(), active_->steps.end(), [](const Step& other) {
        return other.progress == Progress::failed && !other.excused;
    });
    step.ended = core::base::wall_now();
    step.progress = result ? Progress::done : Progress::failed;
    step.evidence = result ? *result : result.error().line();
    note("step", id, fmt::format("{}: {}{}", describe_step(step), result ? "" : "failed: ", step.evidence));
    if (!result && first_failure && active_->state == State::paused) {
        // Resume begins this step again, so the reason for the pause must name it too.
        set_state(State::paused, fmt::format("{}; {}: {}", active_->state_why, describe_step(step), step.evidence));
    }
    if (result && step.kind == Kind::preview) {
        set_state(State::paused, "testers look; gatehouse deploy resume shows the site to all");
    }
    const bool reached = step.kind == Kind::front || step.kind == Kind::soak;
    if (!result && reached && active_->strategy != Strategy::maintenance) {
        for (Step& other : active_->steps) {
            if (other.batch == step.batch && other.kind == Kind::open && other.progress == Progress::done) {
                other.progress = Progress::pending;
                unsaved_.insert(other.id);
            }
        }
    }
    static_cast<void>(flush());
}

void Conductor::after_failure(Lock& lock) {
    // The rollout goes on without as many failed servers as the recipe tolerates.
    const auto failed = failed_servers(*active_);
    const auto tolerated = static_cast<std::int64_t>(failed.size()) <= active_->recipe.tolerate && !only_pause_;
    bool left = false;
    for (Step& step : active_->steps) {
        if (step.progress != Progress::failed || step.excused) {
            continue;
        }
        if (tolerated && in_lane(step.kind)) {
            excuse(*active_, step.id);
            for (const Step& each : active_->steps) {
                unsaved_.insert(each.id);
            }
            note("state", step.id, fmt::format("goes on without {}, which stays fenced", step.servers.front()));
        } else {
            left = true;
        }
    }
    if (!left || !under_way_.empty()) {
        static_cast<void>(flush());
        return;
    }
    const auto step = std::find_if(active_->steps.begin(), active_->steps.end(),
                                   [](const Step& one) { return one.progress == Progress::failed && !one.excused; });
    const std::string why = fmt::format("{}: {}", describe_step(*step), step->evidence);
    if (active_->expired(core::base::wall_now()) && (step->kind == Kind::wait || step->kind == Kind::guard) &&
        step->batch == 0) {
        finish(lock, State::aborted, why);  // nothing has been begun
        return;
    }
    // Where a wait, a guard or the floor fails, nothing of its batch has been changed yet.
    const bool harmless = step->kind == Kind::wait || step->kind == Kind::guard || step->kind == Kind::floor;
    const auto policy =
        harmless || std::exchange(only_pause_, false) ? config::OnFailure::pause : active_->recipe.on_failure;
    if (policy == config::OnFailure::rollback && active_->strategy != Strategy::rollback &&
        !active_->recipe.rollback.empty()) {
        const Words words{active_->who, why};
        if (begin_rollback(lock, words, active_->recipe.rollback, false)) {
            return;
        }
    }
    if (policy == config::OnFailure::abort) {
        finish(lock, State::failed, why);
        return;
    }
    set_state(State::paused, why);
    static_cast<void>(flush());
}

bool Conductor::flush() {
    if (!active_ || (unsaved_.empty() && unsaved_entries_.empty())) {
        return true;
    }
    const std::vector<unsigned> steps(unsaved_.begin(), unsaved_.end());
    auto written = open_ledger().and_then([&] { return ledger_->update(*active_, steps, unsaved_entries_); });
    if (!written) {
        if (ledger_error_.line() != written.error().line()) {
            actions_.event("deploy", {{"error", written.error().line()}});
        }
        ledger_error_ = std::move(written.error());
        return false;
    }
    ledger_error_ = {};
    unsaved_.clear();
    unsaved_entries_.clear();
    changed_.notify_all();
    return true;
}

void Conductor::note(std::string kind, std::optional<unsigned> step, std::string text) {
    if (kind != "output") {
        actions_.event("deploy", {{"rollout", active_->id}, {"text", text}});
    }
    unsaved_entries_.push_back({0, active_->id, core::base::wall_now(), std::move(kind), step, std::move(text)});
}

void Conductor::set_state(State state, std::string why) {
    active_->state = state;
    active_->state_why = std::move(why);
    note("state", std::nullopt,
         fmt::format("{}{}{}", print(state), active_->state_why.empty() ? "" : ": ", active_->state_why));
}

}  // namespace appliance::deploy
