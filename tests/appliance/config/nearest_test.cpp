#include "appliance/config/values/nearest.hpp"

#include <gtest/gtest.h>

#include <array>

namespace appliance::config {
namespace {

constexpr std::array<std::string_view, 4> known_keys{"address", "mode", "pool", "port"};

TEST(Nearest, OneLetterTooFewTooManyOrSwappedIsNear) {
    EXPECT_EQ(nearest("adress", known_keys), "address");
    EXPECT_EQ(nearest("addresss", known_keys), "address");
    EXPECT_EQ(nearest("opol", known_keys), "pool");
    EXPECT_EQ(nearest("MODE", known_keys), "mode");
}

TEST(Nearest, AnotherWordAltogetherIsNearNothing) {
    EXPECT_EQ(nearest("certificate", known_keys), "");
    EXPECT_EQ(nearest("", known_keys), "");
    EXPECT_EQ(nearest("x", {}), "");
}

TEST(Nearest, TheClosestOfSeveralWins) {
    EXPECT_EQ(nearest("poort", known_keys), "port");
}

TEST(Suggest, ListsWhatThereIsWhereNothingIsNear) {
    EXPECT_EQ(suggest("adress", known_keys, "keys"), "did you mean 'address'?");
    EXPECT_EQ(suggest("certificate", known_keys, "keys"), "known keys: address, mode, pool, port");
    EXPECT_EQ(suggest("web1", {}, "servers"), "there are no servers");
    const std::array<std::string_view, 13> many{"aa", "bb", "cc", "dd", "ee", "ff", "gg",
                                                "hh", "ii", "jj", "kk", "ll", "mm"};
    EXPECT_EQ(suggest("xxxxxx", many, "pools"), "known pools: aa, bb, cc, dd, ee, ff, gg, hh, ii, jj, kk, ll, ...");
}

}  // namespace
}  // namespace appliance::config
