// A backend that has just come up gets its load gradually.
#include <gtest/gtest.h>

#include "core/proxy/upstream/routing.hpp"

namespace core::proxy {
namespace {

constexpr io::Tick came_up = 500'000;

class SlowStart : public ::testing::TestWithParam<balance::Balance> {
protected:
    SlowStart() {
        auto snapshot = std::make_shared<Snapshot>();
        PoolSpec pool;
        pool.name = "app";
        pool.balance = GetParam();
        pool.slow_start = Milliseconds(10'000);
        pool.backends.resize(2);
        pool.backends[0].server = "old";
        pool.backends[1].server = "young";
        snapshot->pools.push_back(std::move(pool));
        routing_ = std::make_unique<Routing>(std::move(snapshot), nullptr, commons_, 7);
        routing_->backend("app", "old")->set_healthy(true, came_up - 100'000);
        routing_->backend("app", "young")->set_healthy(true, came_up);
    }

    // Of 1000 requests at now, the number that the new backend gets: each over before the next one, or all at once.
    double share(io::Tick now, bool at_once) {
        std::vector<Usage> held;
        double young = 0;
        for (int i = 0; i < 1000; ++i) {
            Usage usage = routing_->pool("app")->pick({}, {}, Pool::Among::all, now, nullptr);
            young += usage.backend()->spec().server == "young" ? 1 : 0;
            if (at_once) {
                held.push_back(std::move(usage));
            }
        }
        return young;
    }

    Commons commons_;
    std::unique_ptr<Routing> routing_;
};

TEST_P(SlowStart, GrowsFromNextToNothingToTheWholeShare) {
    const bool counting = GetParam() != balance::Balance::round_robin;  // it balances by the number in flight
    EXPECT_NEAR(share(came_up, counting), 10, 10);
    EXPECT_NEAR(share(came_up + 2'500, counting), 200, 60);
    EXPECT_NEAR(share(came_up + 5'000, counting), 333, 60);
    EXPECT_NEAR(share(came_up + 10'000, counting), 500, 60);
    EXPECT_NEAR(share(came_up + 900'000, counting), 500, 60);
}

TEST_P(SlowStart, BeginsAnewOnlyWhenTheBackendHasBeenAway) {
    const auto young = routing_->backend("app", "young");
    young->set_healthy(true, came_up + 9'000);  // one more passed check
    EXPECT_EQ(young->warmth(Milliseconds(10'000), came_up + 10'000), 100U);
    young->set_healthy(false, came_up + 20'000);
    young->set_healthy(true, came_up + 30'000);
    EXPECT_EQ(young->warmth(Milliseconds(10'000), came_up + 31'000), 10U);
}

INSTANTIATE_TEST_SUITE_P(With, SlowStart,
                         ::testing::Values(balance::Balance::round_robin, balance::Balance::least_connections,
                                           balance::Balance::random_two),
                         [](const auto& each) {
                             return each.param == balance::Balance::round_robin         ? "RoundRobin"
                                    : each.param == balance::Balance::least_connections ? "LeastConnections"
                                                                                        : "RandomTwo";
                         });

}  // namespace
}  // namespace core::proxy
