#include "netfilter/model/redirect.hpp"

#include <gtest/gtest.h>

#include <map>

namespace netfilter {
namespace {

RedirectBackend backend(const char* address, std::uint16_t weight = 1, bool eligible = true, bool backup = false) {
    return {*core::Address::parse(address), weight, backup, eligible};
}

std::map<int, int> shares(const Slots& slots) {
    std::map<int, int> found;
    for (const auto slot : slots) {
        ++found[slot];
    }
    return found;
}

TEST(Slots, FollowTheWeights) {
    const std::vector<RedirectBackend> backends{backend("10.0.0.1:80", 3), backend("10.0.0.2:80")};
    EXPECT_EQ(shares(fill_slots(backends)), (std::map<int, int>{{0, 192}, {1, 64}}));
}

TEST(Slots, AreInterleavedSoThatTakingTurnsAlternates) {
    const std::vector<RedirectBackend> backends{backend("10.0.0.1:80"), backend("10.0.0.2:80")};
    const auto slots = fill_slots(backends);
    for (std::size_t i = 1; i < slots.size(); ++i) {
        EXPECT_NE(slots.at(i), slots.at(i - 1)) << i;
    }
}

TEST(Slots, OfABackendThatStaysNeverMove) {
    std::vector<RedirectBackend> backends{backend("10.0.0.1:80", 2), backend("10.0.0.2:80"), backend("10.0.0.3:80")};
    const auto before = fill_slots(backends);
    backends[0].eligible = false;
    const auto after = fill_slots(backends);
    for (std::size_t i = 0; i < before.size(); ++i) {
        if (before.at(i) != 0) {
            EXPECT_EQ(after.at(i), before.at(i)) << i;
        }
    }
    EXPECT_EQ(shares(after), (std::map<int, int>{{1, 128}, {2, 128}}));
    backends[0].eligible = true;
    EXPECT_EQ(fill_slots(backends), before);
}

TEST(Slots, GoToABackupOnlyWhenNoOtherIsLeft) {
    std::vector<RedirectBackend> backends{backend("10.0.0.1:80"), backend("10.0.0.2:80", 1, true, true)};
    EXPECT_EQ(shares(fill_slots(backends)), (std::map<int, int>{{0, 256}}));
    backends[0].eligible = false;
    EXPECT_EQ(shares(fill_slots(backends)), (std::map<int, int>{{1, 256}}));
    backends[1].eligible = false;
    EXPECT_EQ(shares(fill_slots(backends)), (std::map<int, int>{{nobody, 256}}));
}

TEST(Redirects, AreRefusedWhereTheKernelWouldMisunderstand) {
    const Redirect good{"chat", *core::Address::parse("10.0.0.9:5222"), {}, true, {backend("10.0.0.1:80")}};
    EXPECT_TRUE(validate(std::vector{good}));
    EXPECT_FALSE(validate(std::vector{good, good}));
    auto other = good;
    other.name = "a b";
    EXPECT_FALSE(validate(std::vector{other}));
    other = good;
    other.backends.push_back(backend("[fd00::1]:80"));
    EXPECT_FALSE(validate(std::vector{other}));
    other = good;
    other.backends.push_back(other.backends.front());
    EXPECT_FALSE(validate(std::vector{other}));
}

}  // namespace
}  // namespace netfilter
