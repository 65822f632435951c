#include "tests/search/runner.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tests::search {
namespace {

using Json = appliance::deploy::Conductor::Json;

constexpr core::Milliseconds rest{100};
constexpr unsigned turns_max = 8;

std::string address_of(const House::Use& use, const std::string& server) {
    const auto config = use.control().config();
    for (const auto& backend : config->pool("app")->backends) {
        if (backend.server == server) {
            return backend.address.text();
        }
    }
    return {};
}

}  // namespace

Runner::Runner(House& house, std::string name, std::uint64_t seed)
    : house_(house), first_name_(std::move(name)), name_(first_name_), random_(seed), thread_([this] { run(); }) {}

Runner::~Runner() {
    ending_ = true;
    thread_.join();
}

void Runner::run() {
    while (!ending_) {
        if (killed.exchange(false)) {
            house_.truth.note(name_ + " is killed, with what it runs");
            name_ = fmt::format("{}.{}", first_name_, ++lives_);
            running_.clear();
            results_.clear();
            rollout_ = seen_ = 0;
        }
        for (auto& [step, command] : running_) {
            if (!slow && command.turns > 0 && --command.turns == 0) {
                const int code = random_.chance(fail_percent) ? 1 : 0;
                house_.truth.note(fmt::format("{}: the command of {} ends with {}", name_, command.server, code));
                results_.push_back({step, code, ""});
                note_visits(command.server);
            }
        }
        for (const auto& result : results_) {
            running_.erase(result.step);
        }
        if (!silent) {
            turn();
        }
        count_ = static_cast<unsigned>(running_.size());
        core::base::sleep_for(rest);
    }
}

std::uint64_t Runner::visits_of(const std::string& server) {
    const auto index = static_cast<unsigned>(server.back() - '1');
    return house_.web.served(11 + index) + house_.web.served(21 + index);
}

void Runner::note_visits(const std::string& server) {
    const std::uint64_t so_far = visits_of(server);
    const std::lock_guard lock(house_.truth.mutex);
    house_.truth.visited[{rollout_, server}] = so_far;
}

void Runner::turn() {
    const House::Use use(house_);
    if (rollout_ == 0) {
        const auto view = use.conductor().view(0);
        if (!view || ((*view)["state"] != "running" && (*view)["state"] != "paused")) {
            return;
        }
        rollout_ = (*view)["id"];
    }
    appliance::deploy::Sync sync;
    sync.rollout = rollout_;
    sync.runner = name_;
    sync.after = seen_;
    sync.results = results_;
    for (const auto& [step, command] : running_) {
        sync.running.push_back(step);
    }
    Moment begun = 0;
    {
        const std::lock_guard lock(house_.truth.mutex);
        begun = house_.truth.step();
    }
    const auto answer = use.conductor().sync(sync);
    if (!answer) {
        if (answer.error().status == 404) {
            rollout_ = 0;
        }
        return;
    }
    bool crashed = false;
    {
        const std::lock_guard lock(house_.truth.mutex);
        crashed = house_.truth.crashed;
    }
    if (lose > 0 || crashed) {
        lose = 0;
        if (!(*answer)["take"].empty()) {
            house_.truth.note(name_ + ": an answer with a command is lost");
        }
        return;
    }
    results_.clear();
    for (const Json& command : (*answer)["take"]) {
        take(command, begun);
    }
    follow(*answer, begun);
}

void Runner::follow(const Json& answer, Moment /*begun*/) {
    for (const Json& step : answer["cancel"]) {
        if (const auto found = running_.find(step.get<unsigned>()); found != running_.end()) {
            results_.push_back({found->first, 143, ""});
            running_.erase(found);
        }
    }
    if (!answer["journal"].empty()) {
        seen_ = answer["journal"].back()["number"];
    }
    const Json& rollout = answer["rollout"];
    const std::string state = rollout.is_object() ? rollout["state"].get<std::string>() : "";
    if (state == "done") {
        judge_end(rollout);
    }
    if (answer["next"].is_number() && answer["next"].get<std::int64_t>() != 0) {
        rollout_ = answer["next"];
    } else if (state != "running" && state != "paused") {
        rollout_ = 0;
    }
}

// An unfinished step before the command's in the plan; empty: none.
std::string Runner::passed_over(const House::Use& use, unsigned command) const {
    const auto rollout = use.conductor().view(rollout_);
    if (!rollout || (*rollout)["settings"].value("tolerate", 0) > 0) {
        return {};
    }
    const Json& steps = (*rollout)["steps"];
    for (unsigned i = 0; i < command; ++i) {
        const Json& step = steps[i];
        const bool lane =
            step["kind"] == "run" || step["kind"] == "warm" || step["kind"] == "verify" || step["kind"] == "open";
        const bool beside = lane && step["batch"] == steps[command]["batch"];
        if (!beside && step["progress"] != "done" && step["progress"] != "skipped") {
            return step.dump();
        }
    }
    return {};
}

void Runner::take(const Json& given, Moment begun) {
    const House::Use use(house_);
    const auto step = given["step"].get<unsigned>();
    const std::string server = given["server"];
    const std::string before = passed_over(use, step);
    const std::string address = address_of(use, server);
    const std::lock_guard lock(house_.truth.mutex);
    Truth& truth = house_.truth;
    const Moment now = truth.step();
    truth.tell(fmt::format("{}: begins the command of {} (rollout {}, step {})", name_, server, rollout_, step));
    auto& last = truth.commands[{rollout_, step}];
    if (running_.contains(step)) {
        truth.accuse("a command never runs twice at once",
                     fmt::format("{} is given the command of {} that it is still running", name_, server));
    } else if (last != 0 && truth.resumed < last) {
        truth.accuse("a command runs once for a server, unless an operator resumes",
                     fmt::format("rollout {} has begun that of {} again", rollout_, server));
    }
    if (!before.empty()) {
        truth.accuse("a rollout's steps go one after the other",
                     fmt::format("the command of {} has begun before {}", server, before));
    }
    last = now;
    truth.visited.erase({rollout_, server});
    running_[step] = {server, 1 + static_cast<unsigned>(random_.below(turns_max))};
    bool fenced = false;
    bool idle = false;
    std::set<Moment> moments;
    truth.kernel[address].moments(begun, now, moments);
    truth.flying[address].moments(begun, now, moments);
    for (const Moment at : moments) {
        fenced = fenced || truth.kernel[address].at(at).has_value();
        idle = idle || truth.flying[address].at(at) == 0;
    }
    const bool disturbed = truth.foreign != 0 && truth.foreign + truth.foreign_rest >= now;
    if (!truth.skipped && !disturbed && !fenced) {
        truth.accuse("no command begins while its server is not fenced in the kernel",
                     fmt::format("that of {}, of rollout {}", server, rollout_));
    }
    if (!truth.skipped && !idle) {
        truth.accuse("no command begins while requests are in flight",
                     fmt::format("{} on {}, of rollout {}", truth.flying[address].now(), server, rollout_));
    }
}

void Runner::judge_end(const Json& rollout) {
    const House::Use use(house_);
    std::map<std::string, std::string> addresses;
    for (const Json& step : rollout["steps"]) {
        for (const Json& server : step["servers"]) {
            addresses[server] = address_of(use, server);
        }
    }
    const std::lock_guard lock(house_.truth.mutex);
    Truth& truth = house_.truth;
    const auto id = rollout["id"].get<std::int64_t>();
    for (const Json& step : rollout["steps"]) {
        if (step["progress"] != "done" && step["progress"] != "skipped") {
            truth.accuse("a rollout is done when each of its steps is", fmt::format("rollout {}: {}", id, step.dump()));
        }
        const std::pair which(id, step["id"].get<unsigned>());
        if (step["kind"] == "run" && step["progress"] == "done" && truth.commands[which] == 0) {
            truth.accuse("a rollout is done when each of its steps is",
                         fmt::format("the command of rollout {}, step {} never began", id, which.second));
        }
    }
    for (const auto& [server, address] : addresses) {
        const auto before = truth.visited.find({id, server});
        if (!truth.skipped && before != truth.visited.end() && visits_of(server) == before->second) {
            truth.accuse("a server that a rollout has deployed is verified",
                         fmt::format("rollout {} is done, and {} was not visited since its command", id, server));
        }
        const auto seen = truth.kernel[address].now();
        if (!truth.skipped && seen && seen->why.starts_with(fmt::format("rollout {}", id))) {
            truth.accuse("a server that a rollout has deployed is open",
                         fmt::format("rollout {} is done, and {} is fenced: {}", id, server, seen->why));
        }
    }
}

}  // namespace tests::search
