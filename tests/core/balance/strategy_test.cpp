#include "core/balance/strategy.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace core::balance {
namespace {

using Candidates = std::vector<Candidate>;

Address client(unsigned number) {
    return *Address::parse_host("198.51." + std::to_string(number / 256) + "." + std::to_string(number % 256), 1234);
}

Candidates equal(std::size_t count) {
    Candidates candidates(count, Candidate{.eligible = true});
    for (std::size_t i = 0; i < count; ++i) {
        candidates[i].identity = identity_of(client(static_cast<unsigned>(i)));
    }
    return candidates;
}

std::string picks(Strategy& strategy, const Candidates& candidates, int count) {
    std::string names;
    for (int i = 0; i < count; ++i) {
        names += static_cast<char>('a' + *strategy.pick(candidates, Address()));
    }
    return names;
}

TEST(RoundRobin, TakesTurns) {
    Strategy strategy(Balance::round_robin, 1);
    EXPECT_EQ(picks(strategy, equal(3), 6), "abcabc");
}

TEST(RoundRobin, SpreadsWeightsSmoothly) {
    Strategy strategy(Balance::round_robin, 1);
    Candidates candidates = equal(3);
    candidates[0].weight = 5;
    EXPECT_EQ(picks(strategy, candidates, 7), "aabacaa");
}

TEST(RoundRobin, LeavesOutIneligibleCandidates) {
    Strategy strategy(Balance::round_robin, 1);
    Candidates candidates = equal(3);
    candidates[1].eligible = false;
    EXPECT_EQ(picks(strategy, candidates, 4), "acac");
}

TEST(Strategy, UsesABackupOnlyWhenNoOtherIsLeft) {
    for (const Balance balance :
         {Balance::round_robin, Balance::least_connections, Balance::random_two, Balance::source_hash}) {
        Strategy strategy(balance, 1);
        Candidates candidates = equal(2);
        candidates[0].backup = true;
        EXPECT_EQ(picks(strategy, candidates, 3), "bbb");
        candidates[1].eligible = false;
        EXPECT_EQ(picks(strategy, candidates, 3), "aaa");
        candidates[0].eligible = false;
        EXPECT_FALSE(strategy.pick(candidates, Address()).has_value());
    }
}

TEST(Strategy, FindsNoCandidateInAnEmptyPool) {
    for (const Balance balance :
         {Balance::round_robin, Balance::least_connections, Balance::random_two, Balance::source_hash}) {
        EXPECT_FALSE(Strategy(balance, 1).pick({}, Address()).has_value());
    }
}

TEST(LeastConnections, ChoosesTheLeastLoadedForItsWeight) {
    Strategy strategy(Balance::least_connections, 1);
    Candidates candidates = equal(3);
    candidates[0].active = 5;
    candidates[1].active = 7;
    candidates[1].weight = 2;
    candidates[2].active = 6;
    EXPECT_EQ(picks(strategy, candidates, 1), "b");
}

TEST(RandomTwo, PrefersTheLessLoadedAndReachesAll) {
    Strategy strategy(Balance::random_two, 7);
    Candidates candidates = equal(4);
    candidates[3].active = 1000;
    candidates[1].eligible = false;
    std::map<char, int> seen;
    for (const char name : picks(strategy, candidates, 3000)) {
        ++seen[name];
    }
    EXPECT_GT(seen['a'], 1000);
    EXPECT_GT(seen['c'], 1000);
    EXPECT_EQ(seen.count('b'), 0U);
    EXPECT_EQ(seen.count('d'), 0U) << "it always loses against the other one drawn";
}

TEST(SourceHash, KeepsAClientOnItsBackendAndMovesOnlyThoseOfAMissingOne) {
    Strategy strategy(Balance::source_hash, 1);
    Candidates candidates = equal(4);
    std::map<unsigned, std::size_t> home;
    std::map<std::size_t, int> load;
    for (unsigned i = 0; i < 4000; ++i) {
        home[i] = *strategy.pick(candidates, client(i));
        ++load[home[i]];
        EXPECT_EQ(*strategy.pick(candidates, client(i)), home[i]);
    }
    for (const auto& [backend, count] : load) {
        EXPECT_NEAR(count, 1000, 150) << backend;
    }
    candidates[2].eligible = false;
    for (unsigned i = 0; i < 4000; ++i) {
        const std::size_t now = *strategy.pick(candidates, client(i));
        EXPECT_EQ(now == home[i], home[i] != 2) << i;
    }
}

}  // namespace
}  // namespace core::balance
