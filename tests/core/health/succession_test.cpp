#include "core/health/succession.hpp"

#include <gtest/gtest.h>

namespace core::health {
namespace {

using Kind = Inheritance::Kind;

Target at(const char* pool, const char* server, const char* address, std::uint16_t expect = 200) {
    Target target{pool, server, *Address::parse(address), {}};
    target.check.expect = http::StatusSet(expect);
    return target;
}

constexpr const char* one = "10.0.0.1:80";
constexpr const char* two = "10.0.0.2:80";

std::vector<Inheritance> inherit_from(const std::vector<Target>& before, const std::vector<Target>& after) {
    return inherit(before, after);
}

TEST(Succession, NamesDoNotMatterAndAddressesDo) {
    const auto found =
        inherit_from({at("app", "web1", one), at("app", "web2", two)},
                     {at("app", "app2", two), at("site", "web1", one), at("app", "web1", "10.0.0.3:80")});
    EXPECT_EQ(found, (std::vector<Inheritance>{{Kind::moved, 1}, {Kind::moved, 0}, {Kind::none, 0}}));
}

TEST(Succession, AnotherPortIsAnotherServer) {
    EXPECT_EQ(inherit_from({at("app", "web1", one)}, {at("app", "web1", "10.0.0.1:81")}).at(0).kind, Kind::none);
}

TEST(Succession, WhatHasNotChangedIsKeptEvenWhereAnotherWantsItToo) {
    const auto found = inherit_from({at("app", "web1", one)}, {at("new", "web1", one), at("app", "web1", one)});
    EXPECT_EQ(found, (std::vector<Inheritance>{{Kind::copied, 0}, {Kind::kept, 0}}));
}

TEST(Succession, AChangedCheckCarriesTheVerdictOfTheSameNamesFirst) {
    const auto found = inherit_from({at("a", "web1", one, 200), at("b", "web1", one, 201)},
                                    {at("b", "web1", one, 204), at("a", "web1", one, 204)});
    EXPECT_EQ(found, (std::vector<Inheritance>{{Kind::carried, 1}, {Kind::carried, 0}}));
}

TEST(Succession, AChangedCheckCarriesItsVerdictThoughTheOldCheckGoesOnElsewhere) {
    const auto found =
        inherit_from({at("a", "web1", one, 200)}, {at("b", "web1", one, 200), at("a", "web1", one, 204)});
    EXPECT_EQ(found, (std::vector<Inheritance>{{Kind::moved, 0}, {Kind::carried, 0}}));
}

TEST(Succession, ARenamedServerWithAnotherCheckKeepsItsVerdict) {
    const auto found = inherit_from({at("app", "web1", one, 200)}, {at("site", "app1", one, 204)});
    EXPECT_EQ(found, (std::vector<Inheritance>{{Kind::carried, 0}}));
}

TEST(Succession, ANewPoolWithAnotherCheckBesideTheOldOneKnowsNothing) {
    const auto found =
        inherit_from({at("app", "web1", one, 200)}, {at("app", "web1", one, 200), at("new", "web1", one, 204)});
    EXPECT_EQ(found, (std::vector<Inheritance>{{Kind::kept, 0}, {Kind::none, 0}}));
}

TEST(Succession, ChecksThatChangePlacesKeepTheirOwnVerdicts) {
    const auto found = inherit_from({at("a", "web1", one, 200), at("b", "web1", one, 204)},
                                    {at("a", "web1", one, 204), at("b", "web1", one, 200)});
    EXPECT_EQ(found, (std::vector<Inheritance>{{Kind::moved, 1}, {Kind::moved, 0}}));
}

}  // namespace
}  // namespace core::health
