#include "appliance/deploy/ledger.hpp"

#include <gtest/gtest.h>

#include "tests/support/temporary_folder.hpp"

namespace appliance::deploy {
namespace {

Rollout ended_one(Ledger& ledger) {
    Rollout rollout;
    rollout.steps.push_back({});
    EXPECT_TRUE(ledger.add(rollout));
    rollout.state = State::done;
    rollout.ended = core::base::wall_now();
    std::vector<Entry> entries;
    for (const char* kind : {"state", "output"}) {
        entries.push_back({0, rollout.id, core::base::wall_now(), kind, std::nullopt, "text"});
    }
    EXPECT_TRUE(ledger.update(rollout, {}, entries));
    return rollout;
}

std::size_t lines(Ledger& ledger, std::int64_t rollout) {
    return ledger.journal(rollout, 0, 100)->size();
}

TEST(Ledger, KeepsTheNewestRolloutsAndTheOutputsOfFewer) {
    const tests::TemporaryFolder folder;
    auto ledger = Ledger::open(folder.path(), {.rollouts = 5, .outputs = 2});
    ASSERT_TRUE(ledger);
    Rollout active;
    active.steps.push_back({});
    ASSERT_TRUE(ledger->add(active));
    for (int i = 0; i < 9; ++i) {
        ended_one(*ledger);
    }
    EXPECT_EQ(ledger->newest(100)->size(), 6U) << "five, and one that has not ended";
    EXPECT_TRUE(ledger->find(active.id)->has_value());
    EXPECT_FALSE(ledger->find(5)->has_value());
    EXPECT_EQ(lines(*ledger, 5), 0U);
    EXPECT_EQ(ledger->find(6)->value().steps.size(), 1U);
    EXPECT_EQ(lines(*ledger, 6), 1U) << "its story, without what its command has printed";
    EXPECT_EQ(lines(*ledger, 8), 1U);
    EXPECT_EQ(lines(*ledger, 9), 2U);
    EXPECT_EQ(lines(*ledger, 10), 2U);
}

}  // namespace
}  // namespace appliance::deploy
