#include "appliance/deploy/rollout.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "core/base/verify.hpp"

namespace appliance::deploy {
namespace {

template <typename Enum, std::size_t size>
using Words = std::array<std::pair<std::string_view, Enum>, size>;

constexpr Words<Strategy, 3> strategies{
    {{"rolling", Strategy::rolling}, {"maintenance", Strategy::maintenance}, {"rollback", Strategy::rollback}}};
constexpr Words<Kind, 13> kinds{{{"wait", Kind::wait},
                                 {"guard", Kind::guard},
                                 {"floor", Kind::floor},
                                 {"page", Kind::page},
                                 {"fence", Kind::fence},
                                 {"run", Kind::run},
                                 {"warm", Kind::warm},
                                 {"verify", Kind::verify},
                                 {"open", Kind::open},
                                 {"preview", Kind::preview},
                                 {"show", Kind::show},
                                 {"front", Kind::front},
                                 {"soak", Kind::soak}}};
constexpr Words<Progress, 5> progresses{{{"pending", Progress::pending},
                                         {"running", Progress::running},
                                         {"done", Progress::done},
                                         {"failed", Progress::failed},
                                         {"skipped", Progress::skipped}}};
constexpr Words<State, 6> states{{{"running", State::running},
                                  {"paused", State::paused},
                                  {"done", State::done},
                                  {"failed", State::failed},
                                  {"aborted", State::aborted},
                                  {"undone", State::undone}}};

template <typename Enum, std::size_t size>
std::string_view name_of(const Words<Enum, size>& words, Enum value) noexcept {
    const auto* found =
        std::find_if(words.begin(), words.end(), [&](const auto& word) { return word.second == value; });
    VERIFY(found != words.end());
    return found->first;
}

template <typename Enum, std::size_t size>
std::optional<Enum> value_of(const Words<Enum, size>& words, std::string_view name) noexcept {
    const auto* found = std::find_if(words.begin(), words.end(), [&](const auto& word) { return word.first == name; });
    return found == words.end() ? std::nullopt : std::optional(found->second);
}

bool over(const Step& step) {
    return step.progress == Progress::done || step.progress == Progress::skipped || step.excused;
}

// Whether a step waits for another: for all before it in the plan, except the lanes of other servers.
bool waits_for(const Step& step, const Step& before) {
    if (before.batch == step.batch && in_lane(step.kind) && in_lane(before.kind)) {
        return before.servers == step.servers;
    }
    return true;
}

class Planner {
public:
    std::vector<Step> steps;

    void add(Kind kind, unsigned batch, std::vector<std::string> servers) {
        Step& step = steps.emplace_back();
        step.id = static_cast<unsigned>(steps.size() - 1);
        step.kind = kind;
        step.batch = batch;
        step.servers = std::move(servers);
    }
    void add_lanes(unsigned batch, const std::vector<std::string>& servers) {
        for (const std::string& server : servers) {
            for (const Kind kind : {Kind::run, Kind::warm, Kind::verify, Kind::open}) {
                add(kind, batch, {server});
            }
        }
    }
};

}  // namespace

bool in_lane(Kind kind) noexcept {
    return kind == Kind::run || kind == Kind::warm || kind == Kind::verify || kind == Kind::open;
}

std::string_view print(Strategy strategy) noexcept {
    return name_of(strategies, strategy);
}
std::string_view print(Kind kind) noexcept {
    return name_of(kinds, kind);
}
std::string_view print(Progress progress) noexcept {
    return name_of(progresses, progress);
}
std::string_view print(State state) noexcept {
    return name_of(states, state);
}
std::optional<Strategy> parse_strategy(std::string_view text) noexcept {
    return value_of(strategies, text);
}
std::optional<Kind> parse_kind(std::string_view text) noexcept {
    return value_of(kinds, text);
}
std::optional<Progress> parse_progress(std::string_view text) noexcept {
    return value_of(progresses, text);
}
std::optional<State> parse_state(std::string_view text) noexcept {
    return value_of(states, text);
}

std::string describe_step(const Step& step) {
    return fmt::format("{} {}", print(step.kind), fmt::join(step.servers, ", "));
}

std::string describe_runner(const std::string& name) {
    const auto last = name.rfind(':');
    const auto before = last == std::string::npos || last == 0 ? std::string::npos : name.rfind(':', last - 1);
    return before == std::string::npos
               ? name
               : fmt::format("process {} on {}", name.substr(before + 1, last - before - 1), name.substr(0, before));
}

std::vector<Step> plan_steps(Strategy strategy, const config::Recipe& recipe, const std::vector<std::string>& servers,
                             Extras extras) {
    const bool rolling = strategy == Strategy::rolling;
    const auto batch = config::parse_batch(recipe.batch);
    VERIFY(batch && !servers.empty());
    const std::size_t size = rolling || extras.rolling ? batch->of(servers.size()) : servers.size();
    Planner planner;
    unsigned number = 0;
    for (std::size_t first = 0; first < servers.size(); first += size, ++number) {
        const auto begin = servers.begin() + static_cast<std::ptrdiff_t>(first);
        const std::vector<std::string> these(
            begin, begin + static_cast<std::ptrdiff_t>(std::min(size, servers.size() - first)));
        if (extras.waits && number == 0) {
            planner.add(Kind::wait, number, these);
        }
        // A rollback repairs, so guards do not apply.
        if (extras.guarded && strategy != Strategy::rollback) {
            planner.add(Kind::guard, number, these);
        }
        if (rolling) {
            planner.add(Kind::floor, number, these);
        } else if (number == 0 && (strategy == Strategy::maintenance || extras.paged)) {
            planner.add(Kind::page, number, these);
        }
        planner.add(Kind::fence, number, these);
        planner.add_lanes(number, these);
        if (strategy == Strategy::maintenance && recipe.preview) {
            planner.add(Kind::preview, number, these);
            planner.add(Kind::show, number, these);
        }
        planner.add(Kind::front, number, these);
        if (recipe.soak > core::Milliseconds{}) {
            planner.add(Kind::soak, number, these);
        }
    }
    return std::move(planner.steps);
}

std::vector<unsigned> ready_steps(const Rollout& rollout) {
    std::vector<unsigned> ready;
    for (const Step& step : rollout.steps) {
        const bool free = std::all_of(rollout.steps.begin(), rollout.steps.begin() + step.id,
                                      [&](const Step& before) { return over(before) || !waits_for(step, before); });
        if (step.progress == Progress::pending && free) {
            ready.push_back(step.id);
        }
    }
    return ready;
}

std::vector<std::string> failed_servers(const Rollout& rollout) {
    std::set<std::string> failed;
    for (const Step& step : rollout.steps) {
        if (step.progress == Progress::failed) {
            failed.insert(step.servers.begin(), step.servers.end());
        }
    }
    return {failed.begin(), failed.end()};
}

void excuse(Rollout& rollout, unsigned step) {
    Step& failed = rollout.steps.at(step);
    VERIFY(in_lane(failed.kind) && failed.progress == Progress::failed);
    failed.excused = true;
    for (Step& later : rollout.steps) {
        if (in_lane(later.kind) && later.servers == failed.servers && later.progress == Progress::pending) {
            later.progress = Progress::skipped;
        }
    }
}

std::vector<std::string> touched_servers(const Rollout& rollout) {
    std::vector<std::string> touched;
    for (const Step& step : rollout.steps) {
        if (step.kind == Kind::run && step.began) {
            touched.push_back(step.servers.front());
        }
    }
    return touched;
}

std::vector<std::string> held_servers(const Rollout& rollout) {
    std::set<std::string> held;
    for (const Step& step : rollout.steps) {
        for (const std::string& server : step.servers) {
            if (step.kind == Kind::fence && step.began) {
                held.insert(server);
            } else if (step.kind == Kind::open && step.progress == Progress::done) {
                held.erase(server);
            }
        }
    }
    return {held.begin(), held.end()};
}

}  // namespace appliance::deploy
