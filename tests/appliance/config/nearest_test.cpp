#include "appliance/config/nearest.hpp"

#include <gtest/gtest.h>

#include <array>

namespace appliance::config {
namespace {

constexpr std::array<std::string_view, 4> keys{"address", "mode", "pool", "port"};

TEST(Nearest, OneLetterTooFewTooManyOrSwappedIsNear) {
    EXPECT_EQ(nearest("adress", keys), "address");
    EXPECT_EQ(nearest("addresss", keys), "address");
    EXPECT_EQ(nearest("opol", keys), "pool");
    EXPECT_EQ(nearest("MODE", keys), "mode");
}

TEST(Nearest, AnotherWordAltogetherIsNearNothing) {
    EXPECT_EQ(nearest("certificate", keys), "");
    EXPECT_EQ(nearest("", keys), "");
    EXPECT_EQ(nearest("x", {}), "");
}

TEST(Nearest, TheClosestOfSeveralWins) {
    EXPECT_EQ(nearest("poort", keys), "port");
}

TEST(Suggest, ListsWhatThereIsWhereNothingIsNear) {
    EXPECT_EQ(suggest("adress", keys, "keys"), "did you mean 'address'?");
    EXPECT_EQ(suggest("certificate", keys, "keys"), "known keys: address, mode, pool, port");
    EXPECT_EQ(suggest("web1", {}, "servers"), "there are no servers");
    const std::array<std::string_view, 13> many{"aa", "bb", "cc", "dd", "ee", "ff", "gg",
                                                "hh", "ii", "jj", "kk", "ll", "mm"};
    EXPECT_EQ(suggest("xxxxxx", many, "pools"), "known pools: aa, bb, cc, dd, ee, ff, gg, hh, ii, jj, kk, ll, ...");
}

}  // namespace
}  // namespace appliance::config
