#include "core/io/wheel.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <vector>

namespace core::io {
namespace {

class Probe final : public Timer {
public:
    explicit Probe(Wheel& wheel) : wheel_(wheel) {}
    int fired = 0;
    Tick fired_at = 0;

private:
    void on_expire() override {
        ++fired;
        fired_at = wheel_.now();
    }
    Wheel& wheel_;
};

TEST(Wheel, FiresAtItsTickAndNotBefore) {
    Wheel wheel(1000);
    Probe probe(wheel);
    wheel.set(probe, 1250);
    wheel.advance(1249);
    EXPECT_EQ(probe.fired, 0);
    wheel.advance(1250);
    EXPECT_EQ(probe.fired, 1);
    EXPECT_FALSE(probe.armed());
}

TEST(Wheel, FiresATimeInThePastAtTheNextTick) {
    Wheel wheel(1000);
    Probe probe(wheel);
    wheel.set(probe, 10);
    wheel.advance(1001);
    EXPECT_EQ(probe.fired, 1);
}

TEST(Wheel, MovesAnArmedTimerLaterWithoutFiringEarly) {
    Wheel wheel(0);
    Probe probe(wheel);
    wheel.set(probe, 100);
    wheel.set(probe, 5000);
    wheel.advance(4999);
    EXPECT_EQ(probe.fired, 0);
    wheel.advance(5000);
    EXPECT_EQ(probe.fired, 1);
}

TEST(Wheel, MovesAnArmedTimerEarlier) {
    Wheel wheel(0);
    Probe probe(wheel);
    wheel.set(probe, 100'000);
    wheel.set(probe, 7);
    wheel.advance(7);
    EXPECT_EQ(probe.fired, 1);
    EXPECT_EQ(wheel.size(), 0U);
}

TEST(Wheel, ForgetsAClearedTimer) {
    Wheel wheel(0);
    Probe probe(wheel);
    wheel.set(probe, 10);
    wheel.clear(probe);
    wheel.advance(1000);
    EXPECT_EQ(probe.fired, 0);
    EXPECT_EQ(wheel.next(), UINT64_MAX);
}

TEST(Wheel, ForgetsATimerThatDies) {
    Wheel wheel(0);
    {
        Probe probe(wheel);
        wheel.set(probe, 10);
    }
    wheel.advance(1000);
    EXPECT_EQ(wheel.size(), 0U);
}

TEST(Wheel, NamesANextTimeThatIsNeverTooLate) {
    Wheel wheel(12'345);
    Probe probe(wheel);
    for (const Tick distance :
         {1ULL, 63ULL, 64ULL, 65ULL, 4095ULL, 4096ULL, 300'000ULL, 3'600'000ULL, 90'000'000'000ULL}) {
        wheel.set(probe, wheel.now() + distance);
        EXPECT_LE(wheel.next(), wheel.now() + distance) << distance;
        EXPECT_GT(wheel.next(), wheel.now());
        wheel.clear(probe);
    }
}

// The oracle is the definition: every timer fires exactly at its tick when time advances to next() each time.
TEST(Wheel, FiresManyRandomTimersEachAtItsOwnTick) {
    std::mt19937_64 random(42);
    Wheel wheel(777);
    std::vector<std::unique_ptr<Probe>> probes;
    std::vector<Tick> wanted;
    for (int i = 0; i < 2000; ++i) {
        probes.push_back(std::make_unique<Probe>(wheel));
        wanted.push_back(778 + random() % (Tick{1} << (4 + random() % 20)));
        wheel.set(*probes.back(), wanted.back());
        if (random() % 3 == 0) {
            wanted.back() = 778 + random() % 1'000'000;
            wheel.set(*probes.back(), wanted.back());
        }
    }
    while (wheel.size() > 0) {
        wheel.advance(wheel.next());
    }
    for (std::size_t i = 0; i < probes.size(); ++i) {
        EXPECT_EQ(probes[i]->fired, 1);
        EXPECT_EQ(probes[i]->fired_at, wanted[i]);
    }
}

}  // namespace
}  // namespace core::io
