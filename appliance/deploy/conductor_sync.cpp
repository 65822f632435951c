// Command lines: they take commands, report their progress, and read the journal meanwhile.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "appliance/deploy/command.hpp"
#include "appliance/deploy/conductor.hpp"
#include "appliance/deploy/views.hpp"

namespace appliance::deploy {
namespace {

using Clock = core::BootClock;

// Of one command's output; what is more is not kept.
constexpr std::size_t output_max = std::size_t{1} << 20;
constexpr unsigned entries_max = 1000;
// Until a result is in the ledger; far less than a command line waits for an answer.
constexpr std::chrono::seconds saving_max{5};

}  // namespace

core::Result<std::string> Conductor::await_job(unsigned step) {
    Lock lock(mutex_);
    jobs_.at(step).ready = true;
    changed_.notify_all();
    changed_.wait(lock, [&] {
        const Job& job = jobs_.at(step);
        // A running command is cancelled by sync(), and its end is waited for.
        return job.result || ending_ || (stop_ && !job.taken);
    });
    Job& job = jobs_.at(step);
    job.withdrawn = job.withdrawn || !job.result;
    return job.result ? *job.result : core::fail("not run", "stopped");
}

bool Conductor::alone() const {
    return Clock::now() - attended_ > silence_max;
}

void Conductor::look_for_lost() {
    for (auto& [step, job] : jobs_) {
        const bool waits = !job.taken && !job.result;
        if (waits && alone() && active_->state == State::running) {
            set_state(State::paused,
                      fmt::format("nobody is there to run the command of {}; gatehouse deploy resume does",
                                  active_->steps.at(step).servers.front()));
        }
        if (waits && active_->state != State::running) {
            withdraw(job, "the rollout is paused");
        }
        if (job.taken && !job.result && Clock::now() - job.heard > silence_max) {
            lose(step, job);
        }
    }
}

// No command line has begun it: it goes back into the plan, so a rollback need not wait for it.
void Conductor::withdraw(Job& job, const std::string& why) {
    job.withdrawn = true;
    job.result = core::fail("not run", why);
    changed_.notify_all();
}

void Conductor::lose(unsigned step, Job& job) {
    only_pause_ = true;
    lost_[step] = {job.runner, job.output};
    job.result = core::fail("the result of the command is unknown",
                            "the terminal that ran it is lost: " + describe_runner(job.runner),
                            "look at the server; then gatehouse deploy resume runs it again, resume --skip marks it "
                            "as done");
    changed_.notify_all();
}

// A runner that returns after a silence keeps its step, unless the step has changed meanwhile. Its command still runs
// there, so another runner would run it twice.
void Conductor::take_up_again(const Sync& sync) {
    if (turning_ || aborting_) {
        return;
    }
    std::set<unsigned> held(sync.running.begin(), sync.running.end());
    for (const Sync::Result& result : sync.results) {
        const auto lost = lost_.find(result.step);
        if (lost != lost_.end() && lost->second.runner == sync.runner) {
            held.insert(result.step);
        }
    }
    for (const unsigned id : held) {
        if (id >= active_->steps.size() || active_->steps[id].kind != Kind::run) {
            continue;
        }
        Step& step = active_->steps[id];
        const auto job = jobs_.find(id);
        const auto lost = lost_.find(id);
        const bool its = lost == lost_.end() || lost->second.runner == sync.runner;
        const bool failed = step.progress == Progress::failed && !step.excused && !under_way_.contains(id);
        const bool waits = lost != lost_.end() && job != jobs_.end() && !job->second.taken && !job->second.result;
        if (its && (failed || waits)) {
            return_to(sync.runner, step, failed);
        }
    }
}

// Gives the step back to the runner. ended: the step's thread has ended, and begins anew.
void Conductor::return_to(const std::string& runner, Step& step, bool ended) {
    const std::string& server = step.servers.front();
    note("state", step.id, fmt::format("{} is back with the command of {}", describe_runner(runner), server));
    if (const auto fenced = actions_.begin_command(active_->id, active_->recipe.pool, server); !fenced) {
        note("state", step.id, fenced.error().line());
    }
    const auto lost = lost_.find(step.id);
    jobs_[step.id] = Job{.ready = true,
                         .taken = true,
                         .runner = runner,
                         .heard = Clock::now(),
                         .output = lost == lost_.end() ? 0 : lost->second.output};
    lost_.erase(step.id);
    step.progress = Progress::running;
    step.evidence = runner;
    step.ended.reset();
    unsaved_.insert(step.id);
    if (ended) {
        under_way_.insert(step.id);
        std::thread([this, id = step.id, copy = *active_] { carry_out(id, copy); }).detach();
    }
}

void Conductor::hear(const Sync& sync) {
    take_up_again(sync);
    runner_ = sync.runner;
    runner_heard_ = core::base::wall_now();
    attended_ = Clock::now();
    const auto holds = [&sync](unsigned step) {
        return std::find(sync.running.begin(), sync.running.end(), step) != sync.running.end() ||
               std::any_of(sync.results.begin(), sync.results.end(),
                           [step](const auto& one) { return one.step == step; });
    };
    for (auto& [step, job] : jobs_) {
        if (job.taken && job.runner == sync.runner) {
            job.heard = Clock::now();
            // The runner does not have it: the answer with the command was lost.
            job.taken = holds(step);
        }
    }
    const auto mine = [&](unsigned step) -> Job* {
        const auto found = jobs_.find(step);
        return found != jobs_.end() && found->second.taken && found->second.runner == sync.runner ? &found->second
                                                                                                  : nullptr;
    };
    for (const Sync::Output& output : sync.outputs) {
        Job* job = mine(output.step);
        if (job != nullptr && job->output < output_max) {
            job->output += output.text.size();
            note("output", output.step, output.text);
            if (job->output >= output_max) {
                note("output", output.step, "(more than 1 MiB: the rest is not kept)");
            }
        }
    }
    for (const Sync::Result& result : sync.results) {
        Job* job = mine(result.step);
        if (job != nullptr && !job->result) {
            // No policy for failures fits: a person has to look at the command.
            only_pause_ = only_pause_ || result.refused;
            job->result = result.refused            ? core::fail("the command line refused the command", result.trouble)
                          : !result.trouble.empty() ? core::fail("the command did not run to its end", result.trouble)
                          : result.exit_code == 0   ? core::Result<std::string>("exit code 0")
                                                    : core::fail(fmt::format("exit code {}", result.exit_code));
        }
    }
    static_cast<void>(flush());
    changed_.notify_all();
}

// An answer acknowledges the results of its request, and the command line forgets them then. So they must be in the
// ledger before, or a restart would run the command again.
bool Conductor::await_saved(Lock& lock, const Sync& sync) {
    const auto saved = [this](const Sync::Result& result) {
        return !jobs_.contains(result.step) && !unsaved_.contains(result.step);
    };
    return core::base::wait_for(changed_, lock, saving_max, [&] {
        return !active_ || active_->id != sync.rollout || std::all_of(sync.results.begin(), sync.results.end(), saved);
    });
}

// The asker's commands that it must end: they are another's, or wanted no more.
Conductor::Json Conductor::strange_to(const Sync& sync) const {
    Json strange = Json::array();
    for (const unsigned step : sync.running) {
        const auto job = jobs_.find(step);
        if (job == jobs_.end() || !job->second.taken || job->second.runner != sync.runner) {
            strange.push_back(step);
        }
    }
    return strange;
}

// Gives the waiting commands to the asker.
Conductor::Json Conductor::take_jobs(const Sync& sync) {
    Json taken = Json::array();
    if (!active_ || active_->id != sync.rollout || active_->state != State::running || stop_ || turning_) {
        return taken;
    }
    const auto config = actions_.config();
    const auto keep_back = [this](Job& job, core::Error why) {
        only_pause_ = true;
        job.result = tl::unexpected(std::move(why));
        changed_.notify_all();
    };
    for (auto& [id, job] : jobs_) {
        if (!job.ready || job.taken || job.result) {
            continue;
        }
        Step& step = active_->steps.at(id);
        const std::string& server = step.servers.front();
        if (auto fenced = actions_.begin_command(active_->id, active_->recipe.pool, server); !fenced) {
            keep_back(job, std::move(fenced.error()));
            continue;
        }
        // After the check of the fence, which has moved with its server.
        if (!is_drained(*active_, server)) {
            actions_.end_command(active_->recipe.pool, server);
            if (drained_.contains(server)) {
                keep_back(job, {fmt::format("{} has moved to {}", server, address_of(*active_, server)),
                                "its address has changed since it was drained",
                                "gatehouse deploy resume drains it there and goes on", 0});
            } else {
                withdraw(job, "an earlier process drained its server: that is done anew");
            }
            continue;
        }
        step.evidence = sync.runner;
        unsaved_.insert(id);
        if (!flush()) {
            actions_.end_command(active_->recipe.pool, server);
            step.evidence.clear();
            break;
        }
        lost_.erase(id);
        job.taken = true;
        job.runner = sync.runner;
        job.heard = Clock::now();
        taken.push_back(view_command(*config, active_->recipe, id, step.servers.front()));
    }
    return taken;
}

Outcome<Conductor::Json> Conductor::sync(const Sync& sync) {
    Lock lock(mutex_);
    changed_.wait(lock, [this] { return !turning_ || ending_; });
    if (auto known = need_known(); !known) {
        return tl::unexpected(std::move(known.error()));
    }
    if (!active_ || active_->id != sync.rollout) {
        lock.unlock();
        auto ended = view(sync.rollout);
        if (!ended) {
            return ended;
        }
        lock.lock();
        return Json{{"rollout", std::move(*ended)},
                    {"take", Json::array()},
                    {"cancel", sync.running},
                    {"journal", entries_after(sync.rollout, sync.after)},
                    {"next", active_ && active_->undoes == sync.rollout ? active_->id : 0}};
    }
    hear(sync);
    if (!sync.results.empty() && !await_saved(lock, sync)) {
        return tl::unexpected(Refused{503, {"a result is not on the disk yet", ledger_error_.line(), "ask again", 0}});
    }
    Json taken = Json::array();
    Json journal = Json::array();
    const auto deadline = Clock::now() + sync.patience;
    for (;;) {
        taken = take_jobs(sync);
        journal = entries_after(sync.rollout, sync.after);
        const bool news = !taken.empty() || !journal.empty() || !active_ || active_->id != sync.rollout || stop_;
        if (news || ending_ || Clock::now() >= deadline) {
            break;
        }
        core::base::wait_for(changed_, lock, deadline - Clock::now());
    }
    Json answer{{"rollout", active_ && active_->id == sync.rollout ? view_of(*active_) : Json()},
                {"take", std::move(taken)},
                {"cancel", stop_ ? Json(sync.running) : strange_to(sync)},
                {"journal", std::move(journal)},
                {"next", 0}};
    return answer;
}

Conductor::Json Conductor::entries_after(std::int64_t id, std::int64_t after) {
    Json list = Json::array();
    const auto entries = ledger_ ? ledger_->journal(id, after, entries_max) : core::Result<std::vector<Entry>>();
    if (entries) {
        for (const Entry& entry : *entries) {
            list.push_back(view_entry(entry));
        }
    }
    return list;
}

Outcome<Conductor::Json> Conductor::journal(std::int64_t id, std::int64_t after, core::Milliseconds patience) {
    Lock lock(mutex_);
    const auto deadline = Clock::now() + patience;
    for (;;) {
        Json entries = entries_after(id, after);
        if (!entries.empty() || ending_ || Clock::now() >= deadline) {
            return Json{{"journal", std::move(entries)}};
        }
        core::base::wait_for(changed_, lock, deadline - Clock::now());
    }
}

Outcome<Rollout> Conductor::find(std::int64_t id) {
    if (active_ && (id == 0 || id == active_->id)) {
        return *active_;
    }
    if (auto opened = open_ledger(); !opened) {
        return tl::unexpected(Refused{503, std::move(opened.error())});
    }
    if (id == 0) {
        const auto last = ledger_->newest(1);
        id = last && !last->empty() ? last->front().id : 0;
    }
    auto found = ledger_->find(id);
    if (!found) {
        return tl::unexpected(Refused{500, std::move(found.error())});
    }
    if (!*found) {
        return tl::unexpected(
            Refused{404,
                    {id == 0 ? "there was no rollout yet" : fmt::format("no rollout {}", id), "",
                     id == 0 ? "gatehouse deploy rolling -h begins one" : "gatehouse deploy history lists them", 0}});
    }
    return std::move(**found);
}

Conductor::Json Conductor::view_of(const Rollout& rollout) {
    Json view = view_rollout(rollout);
    add_commands(view, commands_of(*actions_.config(), rollout));
    const bool active = active_ && active_->id == rollout.id;
    view["runner"] =
        active && runner_heard_ && core::base::wall_now() - *runner_heard_ <= silence_max ? Json(runner_) : Json();
    view["waits_for_runner"] = active && std::any_of(jobs_.begin(), jobs_.end(), [](const auto& entry) {
                                   return !entry.second.taken && !entry.second.result;
                               });
    view["trouble"] = active ? ledger_error_.line() : std::string();
    return view;
}

Outcome<Conductor::Json> Conductor::view(std::int64_t id) {
    const std::lock_guard lock(mutex_);
    return find(id).map([this](const Rollout& rollout) { return view_of(rollout); });
}

Outcome<Conductor::Json> Conductor::history(unsigned count) {
    const std::lock_guard lock(mutex_);
    if (auto opened = open_ledger(); !opened) {
        return tl::unexpected(Refused{503, std::move(opened.error())});
    }
    const auto newest = ledger_->newest(count);
    if (!newest) {
        return tl::unexpected(Refused{500, newest.error()});
    }
    Json list = Json::array();
    for (const Rollout& rollout : *newest) {
        list.push_back(view_summary(rollout));
    }
    return Json{{"rollouts", std::move(list)}};
}

Outcome<Conductor::Json> Conductor::report(std::int64_t id) {
    const std::lock_guard lock(mutex_);
    const auto rollout = find(id);
    if (!rollout) {
        return tl::unexpected(rollout.error());
    }
    const auto noted = ledger_->visitors(rollout->id);
    if (!noted) {
        return tl::unexpected(Refused{500, noted.error()});
    }
    Json view = view_of(*rollout);
    std::string first;
    std::string last;
    for (const Ledger::Noted& one : *noted) {
        if (!one.before.empty() && !one.after.empty() && one.step < view["steps"].size()) {
            view["steps"][one.step]["visitors"] = actions_.visitors_between(one.before, one.after);
            first = first.empty() ? one.before : first;
            last = one.after;
        }
    }
    view["visitors"] = first.empty() ? Json() : actions_.visitors_between(first, last);
    return view;
}

}  // namespace appliance::deploy
