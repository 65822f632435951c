#include "core/base/histogram.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>

namespace core::base {
namespace {

using namespace std::chrono_literals;

TEST(Histogram, FitsIntoTwoKibibytes) {
    EXPECT_LE(sizeof(Histogram), 2048U);
}

TEST(Histogram, SaysZeroWhileItIsEmpty) {
    EXPECT_EQ(Histogram().total(), 0U);
    EXPECT_EQ(Histogram().quantile(0.99), 0us);
}

TEST(Histogram, GivesADurationBackWithinOneSixteenth) {
    for (std::int64_t value = 0; value < 10'000'000'000; value += value / 50 + 1) {
        Histogram histogram;
        histogram.count(Histogram::Duration(value));
        const auto read = histogram.quantile(0.5).count();
        EXPECT_LE(std::abs(read - value) * 16, value) << value << " read as " << read;
    }
}

TEST(Histogram, KeepsWhatIsOutOfRangeInTheFirstAndTheLastBucket) {
    Histogram histogram;
    histogram.count(-1us);
    histogram.count(Histogram::Duration((std::int64_t{1} << 34) - 1));
    histogram.count(Histogram::Duration(std::int64_t{1} << 34));
    histogram.count(Histogram::Duration::max());
    EXPECT_EQ(histogram.buckets().front(), 1U);
    EXPECT_EQ(histogram.buckets().back(), 3U);
}

TEST(Histogram, TellsTheMedianFromTheTail) {
    Histogram histogram;
    for (int i = 0; i < 99; ++i)
        histogram.count(4us);
    histogram.count(1s);
    EXPECT_EQ(histogram.quantile(0), 4us);
    EXPECT_EQ(histogram.quantile(0.99), 4us);
    EXPECT_NEAR(static_cast<double>(histogram.quantile(0.999).count()), 1e6, 1e6 / 16);
}

TEST(Histogram, ShowsWhatCameBetweenTwoReports) {
    Histogram earlier;
    earlier.count(3us);
    auto later = earlier;
    Histogram step;
    step.count(5us);
    later.add(step);
    later.subtract(earlier);
    EXPECT_EQ(later.buckets(), step.buckets());
}

TEST(Histogram, CountsWhatIsBelowAPowerOfTwo) {
    Histogram histogram;
    for (const auto took : {0us, 127us, 128us, 4095us, 4096us, 8191us}) {
        histogram.count(took);
    }
    EXPECT_EQ(histogram.below(8us), 1U);
    EXPECT_EQ(histogram.below(128us), 2U);
    EXPECT_EQ(histogram.below(4096us), 4U);
    EXPECT_EQ(histogram.below(8192us), 6U);
}

TEST(Histogram, SubtractsNothingBelowZero) {
    Histogram earlier;
    earlier.count(3us);
    Histogram later;
    later.subtract(earlier);
    EXPECT_EQ(later.total(), 0U);
}

}  // namespace
}  // namespace core::base
