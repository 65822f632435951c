#include "appliance/control/model/fence_endings.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace appliance::control {
namespace {

using namespace std::chrono_literals;

const core::Address here = *core::Address::parse("10.0.0.11:80");
const core::Address there = *core::Address::parse("10.0.0.21:80");
const CommandLeases::Place web1{"app", "web1"};
const CommandLeases::Place web2{"app", "web2"};

TEST(CommandLeases, ACommandRunsUntilItEnds) {
    CommandLeases leases;
    EXPECT_FALSE(leases.running({here}));
    EXPECT_TRUE(leases.begin(web1, here));
    EXPECT_TRUE(leases.begin(web1, here));
    leases.end(web1);
    EXPECT_TRUE(leases.running({here}));
    leases.end(web1);
    EXPECT_FALSE(leases.running({here}));
    leases.end(web1);
    EXPECT_FALSE(leases.running({here}));
}

TEST(CommandLeases, ACommandMovesWithItsServer) {
    CommandLeases leases;
    ASSERT_TRUE(leases.begin(web1, here));
    leases.move(web1, there);
    EXPECT_FALSE(leases.running({here}));
    EXPECT_TRUE(leases.running({there}));
    leases.end(web1);
    EXPECT_FALSE(leases.running({there}));
    leases.move(web1, here);
    EXPECT_FALSE(leases.running({here})) << "none runs that could move";
}

// Two pools of one port have the same server at the same address.
TEST(CommandLeases, TheEndOfOneIsNotTheEndOfAnotherAtItsAddress) {
    CommandLeases leases;
    ASSERT_TRUE(leases.begin(web1, here));
    ASSERT_TRUE(leases.begin(web2, here));
    leases.end(web1);
    EXPECT_TRUE(leases.running({here}));
}

TEST(CommandLeases, ALiftAwaitsTheCommandsAtItsAddressesAndLetsNoneBegin) {
    CommandLeases leases;
    ASSERT_TRUE(leases.begin(web1, here));
    {
        CommandLeases::Lift lift(leases, {here});
        EXPECT_FALSE(leases.begin(web2, here));
        EXPECT_TRUE(leases.begin(web2, there));
        EXPECT_FALSE(lift.await(1ms));
        std::thread ends([&leases] { leases.end(web1); });
        EXPECT_TRUE(lift.await(60s));
        ends.join();
    }
    EXPECT_TRUE(leases.begin(web1, here));
}

TEST(CommandLeases, ALiftNoLongerAwaitsACommandThatMovedAway) {
    CommandLeases leases;
    ASSERT_TRUE(leases.begin(web1, here));
    CommandLeases::Lift lift(leases, {here});
    std::thread moves([&leases] { leases.move(web1, there); });
    EXPECT_TRUE(lift.await(60s));
    moves.join();
}

}  // namespace
}  // namespace appliance::control
