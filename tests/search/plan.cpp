#include "tests/search/plan.hpp"

#include <fmt/format.h>

#include <array>
#include <map>
#include <string_view>

#include "tests/torture/random.hpp"

namespace tests::search {
namespace {

struct Choice {
    Kind kind;
    std::string_view name;
    unsigned weight;  // how often, beside the others
    Part part;
    bool deploys;  // only where there are deploys
    Kind ended_by = Kind::rest;
};

constexpr std::array<Choice, 42> choices{{
    {Kind::fence, "fence", 20, Part::orders, false},
    {Kind::unfence, "unfence", 16, Part::orders, false},
    {Kind::page, "page", 2, Part::orders, false},
    {Kind::weight, "weight", 1, Part::orders, false},
    {Kind::look, "look", 6, Part::orders, false},
    {Kind::reload, "reload", 4, Part::world, false},
    {Kind::deploy, "deploy", 6, Part::orders, true},
    {Kind::pause, "pause", 2, Part::orders, true},
    {Kind::resume, "resume", 5, Part::orders, true},
    {Kind::abort, "abort", 2, Part::orders, true},
    {Kind::roll_back, "roll_back", 2, Part::orders, true},
    {Kind::requests, "requests", 14, Part::world, false},
    {Kind::ends, "ends", 14, Part::world, false},
    {Kind::health, "health", 3, Part::world, false},
    {Kind::broken, "broken", 1, Part::world, true},
    {Kind::time, "time", 10, Part::world, false},
    {Kind::wall, "wall", 2, Part::world, false},
    {Kind::wedge, "wedge", 2, Part::world, false, Kind::unwedge},
    {Kind::unwedge, "unwedge", 0, Part::world, false},
    {Kind::mute, "mute", 1, Part::world, false},
    {Kind::late, "late", 1, Part::world, false},
    {Kind::refuse_administer, "refuse_administer", 1, Part::world, false},
    {Kind::kill_proxy, "kill_proxy", 2, Part::world, false, Kind::start_proxy},
    {Kind::start_proxy, "start_proxy", 0, Part::world, false},
    {Kind::kill_helper, "kill_helper", 2, Part::world, false, Kind::start_helper},
    {Kind::start_helper, "start_helper", 0, Part::world, false},
    {Kind::refuse_commit, "refuse_commit", 2, Part::world, false},
    {Kind::unknown_commit, "unknown_commit", 1, Part::world, false},
    {Kind::vanished_commit, "vanished_commit", 1, Part::world, false},
    {Kind::refuse_reap, "refuse_reap", 1, Part::world, false},
    {Kind::flush, "flush", 1, Part::world, false},
    {Kind::remove_element, "remove_element", 1, Part::world, false},
    {Kind::fill_disk, "fill_disk", 2, Part::world, false, Kind::empty_disk},
    {Kind::empty_disk, "empty_disk", 0, Part::world, false},
    {Kind::restart, "restart", 1, Part::world, false},
    {Kind::crash, "crash", 1, Part::world, false},
    {Kind::silence, "silence", 1, Part::world, true, Kind::speak},
    {Kind::speak, "speak", 0, Part::world, true},
    {Kind::kill_runner, "kill_runner", 1, Part::world, true},
    {Kind::lose_answer, "lose_answer", 1, Part::world, true},
    {Kind::rest, "rest", 1, Part::all, false},
    {Kind::rest, "", 0, Part::all, false},
}};

constexpr unsigned trouble_lasts = 12;  // steps, at most
constexpr unsigned number_max = 1'000;
constexpr unsigned few_fences = 7;

const Choice& choice_of(Kind kind) {
    for (const Choice& each : choices) {
        if (each.kind == kind) {
            return each;
        }
    }
    return choices.back();
}

}  // namespace

Plan make_plan(std::uint64_t seed, std::size_t length, Mix mix) {
    torture::Random random(seed);
    std::vector<Kind> bag;
    // Half of the episodes with deploys have few fences by hand: these keep deploys from beginning at all.
    const bool few = mix.deploys && random.chance(50);
    for (const Choice& each : choices) {
        const bool wanted = (mix.part == Part::all || each.part == mix.part) && (mix.deploys || !each.deploys);
        const bool fewer = few && each.kind == Kind::fence;
        bag.insert(bag.end(), !wanted ? 0 : fewer ? each.weight / few_fences : each.weight, each.kind);
    }
    // An episode has only some kinds of trouble, so that each is also met without the others.
    const std::uint64_t quiet = random.next();
    std::map<std::size_t, Kind> ends;
    Plan plan;
    while (plan.size() < length) {
        const auto number = [&] { return static_cast<unsigned>(random.below(number_max)); };
        if (const auto due = ends.find(plan.size()); due != ends.end()) {
            plan.push_back({due->second, number(), number(), number()});
            continue;
        }
        const Kind kind = bag[random.below(bag.size())];
        const bool trouble = kind >= Kind::wall && kind < Kind::rest;
        if (trouble && (mix.calm || (quiet >> static_cast<unsigned>(kind) & 1U) != 0)) {
            continue;
        }
        plan.push_back({kind, number(), number(), number()});
        if (const Kind end = choice_of(kind).ended_by; end != Kind::rest) {
            ends.emplace(plan.size() + random.below(trouble_lasts), end);
        }
    }
    return plan;
}

std::string print(const Step& step) {
    return fmt::format("{} {} {} {}", choice_of(step.kind).name, step.a, step.b, step.c);
}

}  // namespace tests::search
