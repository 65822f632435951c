// The search: orders and troubles in random order, as many as fit into the time. Each answer is compared with the
// truth. One after the other, for speed; and by several operators at once.
//
// GATEHOUSE_SEARCH_SECONDS: how long all of it takes (60).
// GATEHOUSE_SEARCH_SEED: repeats an episode, as a lie has printed it; then the others follow.
// GATEHOUSE_SEARCH_LIES: so many lies are told and let pass (0).
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <random>

#include "tests/search/player.hpp"
#include "tests/search/setting.hpp"

namespace tests::search {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t episode_length = 300;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t usual_seconds = 40;
#else
constexpr std::uint64_t usual_seconds = 60;
#endif
constexpr std::size_t story_lines = 70;
constexpr unsigned operators_at_once = 4;
constexpr std::chrono::seconds shrinking_max{20};

struct Result {
    std::size_t steps = 0;
    std::optional<std::string> lie;
    std::string story;
};

Result result_of(House& house, std::size_t steps) {
    Result result{steps, {}, {}};
    if (house.truth.lied()) {
        result.story = house.truth.print_story(story_lines);
        result.lie = house.truth.lie;
    }
    return result;
}

Result play_alone(const Plan& plan, std::uint64_t seed, bool deploys) {
    SearchClock clock;
    House house(clock);
    std::vector<std::unique_ptr<Runner>> runners;
    for (unsigned i = 0; deploys && i < 2; ++i) {
        runners.push_back(std::make_unique<Runner>(house, fmt::format("runner{}", i), seed + i));
    }
    house.settle();
    Player player(house, runners, true);
    const std::size_t steps = player.play(plan);
    if (!house.truth.lied()) {
        player.rest();
    }
    runners.clear();
    return result_of(house, steps);
}

// Leaves out what is not needed for the lie, as long as there is time.
Plan shrink(Plan plan, std::uint64_t seed, bool deploys) {
    const auto deadline = Clock::now() + shrinking_max;
    for (std::size_t part = plan.size() / 2; part > 0; part /= 2) {
        for (std::size_t at = 0; at + part <= plan.size() && Clock::now() < deadline;) {
            Plan less = plan;
            less.erase(less.begin() + static_cast<std::ptrdiff_t>(at),
                       less.begin() + static_cast<std::ptrdiff_t>(at + part));
            if (play_alone(less, seed, deploys).lie) {
                plan = std::move(less);
            } else {
                at += part;
            }
        }
    }
    return plan;
}

std::string words_of(const Result& result, std::uint64_t seed, const Plan& plan, bool deploys) {
    std::string steps;
    for (const Step& step : plan) {
        steps += print(step) + "; ";
    }
    return fmt::format("GATEHOUSE_SEARCH_SEED={}{}\n{}\n{}\n{}\n", seed, deploys ? " (with deploys)" : "", *result.lie,
                       result.story, steps);
}

class Search : public testing::Test {
protected:
    std::uint64_t seed_ = setting("GATEHOUSE_SEARCH_SEED", 10, std::random_device()());
    std::chrono::seconds time_{setting("GATEHOUSE_SEARCH_SECONDS", 10, usual_seconds) / 2};
    Clock::time_point begun_ = Clock::now();
    std::size_t steps_ = 0;
    std::size_t episodes_ = 0;
    std::uint64_t lies_max_ = setting("GATEHOUSE_SEARCH_LIES", 10, 0);
    std::uint64_t lies_ = 0;

    void tell(const std::string& words) {
        fmt::print("{}", words);
        if (++lies_ > lies_max_) {
            ADD_FAILURE() << lies_ << " lies\n" << words;
        }
    }
    [[nodiscard]] std::uint64_t next_seed() const { return seed_ + episodes_; }
    [[nodiscard]] bool over() const { return Clock::now() >= begun_ + time_; }
    void report() const {
        const std::chrono::duration<double> took = Clock::now() - begun_;
        fmt::print("GATEHOUSE_SEARCH_SEED={}: {} episodes, {} steps, {:.0f} steps/s, {} lies\n", seed_, episodes_,
                   steps_, static_cast<double>(steps_) / took.count(), lies_);
    }
};

TEST_F(Search, OneAfterTheOtherNothingIsSaidThatIsNotSo) {
    for (; !over() && !HasFailure(); ++episodes_) {
        const std::uint64_t seed = next_seed();
        const bool deploys = seed % 3 == 0;
        const Plan plan = make_plan(seed, episode_length, {Part::all, deploys, seed % 4 == 1});
        Result result = play_alone(plan, seed, deploys);
        steps_ += result.steps;
        if (result.lie) {
            Plan less(plan.begin(), plan.begin() + static_cast<std::ptrdiff_t>(result.steps));
            if (lies_ >= lies_max_) {
                less = shrink(std::move(less), seed, deploys);
            }
            if (Result again = play_alone(less, seed, deploys); again.lie) {
                result = std::move(again);
            }
            tell(words_of(result, seed, less, deploys));
        }
    }
    report();
}

Result play_at_once(std::uint64_t seed) {
    SearchClock clock;
    House house(clock);
    std::vector<std::unique_ptr<Runner>> runners;
    for (unsigned i = 0; i < 2; ++i) {
        runners.push_back(std::make_unique<Runner>(house, fmt::format("runner{}", i), seed + i));
    }
    house.settle();
    std::atomic<std::size_t> steps = 0;
    std::vector<std::thread> operators;
    for (unsigned i = 0; i < operators_at_once; ++i) {
        operators.emplace_back([&, i] {
            Player player(house, runners, false);
            steps += player.play(make_plan(seed * operators_at_once + i, episode_length / 2, {Part::orders, true}));
        });
    }
    Player world(house, runners, false);
    steps += world.play(make_plan(seed, episode_length, {Part::world, true}));
    house.end_troubles();
    for (std::thread& each : operators) {
        each.join();
    }
    if (!house.truth.lied()) {
        world.rest();
    }
    runners.clear();
    return result_of(house, steps);
}

TEST_F(Search, AtOnceNothingIsSaidThatIsNotSo) {
    for (; !over() && !HasFailure(); ++episodes_) {
        const std::uint64_t seed = next_seed();
        const Result result = play_at_once(seed);
        steps_ += result.steps;
        if (result.lie) {
            tell(words_of(result, seed, {}, true));
        }
    }
    report();
}

}  // namespace
}  // namespace tests::search
