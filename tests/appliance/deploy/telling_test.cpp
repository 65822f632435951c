// What a plan says beforehand, and the journal afterwards.
#include <gtest/gtest.h>

#include "tests/appliance/deploy/world.hpp"

namespace appliance::deploy {
namespace {

class Telling : public ConductorTest {};

TEST_F(Telling, APlanForATimeToComeAsksTheGuardsForThatTime) {
    Order wanted = order();
    wanted.dry_run = true;
    wanted.starts = core::base::wall_now() + std::chrono::hours(40);
    const auto possible = conductor_->start(wanted);
    ASSERT_TRUE(possible.has_value());
    EXPECT_EQ(world_.guards_asked_for.load(), *wanted.starts);
    EXPECT_EQ((*possible)["possible"], true);
    world_.guards_agree = false;
    EXPECT_EQ(conductor_->start(wanted).value()["possible"], false) << "they were asked for that very time";
    wanted.recipe.wait = std::chrono::minutes(30);
    EXPECT_EQ(conductor_->start(wanted).value()["possible"], true);
    wanted.starts.reset();
    static_cast<void>(conductor_->start(wanted));
    EXPECT_LE(world_.guards_asked_for.load(), core::base::wall_now());
}

TEST_F(Telling, TheJournalHasOneLineForEachStepAndTheBeginOfACommand) {
    start(order());
    run_to_end();
    const std::string lines = journal();
    const auto count = [&lines](const std::string& text) {
        std::size_t found = 0;
        for (auto at = lines.find(text); at != std::string::npos; at = lines.find(text, at + 1)) {
            ++found;
        }
        return found;
    };
    for (const char* step : {"floor web1", "fence web1", "warm web1", "verify web1", "open web1", "front web1"}) {
        EXPECT_EQ(count(step), 1U) << step << " in\n" << lines;
    }
    EXPECT_EQ(count("run web1"), 2U) << lines;
}

}  // namespace
}  // namespace appliance::deploy
