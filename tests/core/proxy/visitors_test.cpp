#include "core/proxy/stats/visitors.hpp"

#include <gtest/gtest.h>

namespace core::proxy {
namespace {

using namespace std::chrono_literals;

Record record(std::uint16_t status, std::string_view by = "backend") {
    Record made(0);
    made.status = status;
    made.answered_by = by;
    return made;
}

TEST(Visitors, CountHowExchangesEnded) {
    Visitors visitors;
    visitors.count(record(200), 1ms);
    visitors.count(record(304), 1ms);
    visitors.count(record(404), 1ms);
    visitors.count(record(500), 1ms);
    visitors.count(record(503, "gatehouse"), 1ms);
    visitors.count(record(400, "gatehouse"), 1ms);
    EXPECT_EQ(visitors.requests, 6U);
    EXPECT_EQ(visitors.status, (std::array<std::uint64_t, 4>{1, 1, 2, 2}));
    EXPECT_EQ(visitors.ours, 1U);
    EXPECT_EQ(visitors.broken, 0U);
}

TEST(Visitors, CountWhatWentWrongOnTheWay) {
    Visitors visitors;
    Record bad = record(200);
    bad.broken = true;
    bad.retries = 2;
    bad.queued = 5;
    visitors.count(bad, 1ms);
    EXPECT_EQ(visitors.broken, 1U);
    EXPECT_EQ(visitors.retried, 1U);
    EXPECT_EQ(visitors.waited, 1U);
}

TEST(Visitors, AreNoneWhereARelayBegan) {
    Visitors visitors;
    visitors.count(record(101), 1h);
    EXPECT_EQ(visitors.requests, 0U);
    EXPECT_EQ(visitors.latency.total(), 0U);
}

TEST(Visitors, OfAllWorkersAreAddedUp) {
    Visitors one;
    Visitors other;
    one.count(record(200), 1ms);
    other.count(record(200), 3ms);
    other.count(record(500), 3ms);
    one.add(other);
    EXPECT_EQ(one.requests, 3U);
    EXPECT_EQ(one.status[0], 2U);
    EXPECT_EQ(one.status[3], 1U);
    EXPECT_EQ(one.latency.total(), 3U);
}

}  // namespace
}  // namespace core::proxy
