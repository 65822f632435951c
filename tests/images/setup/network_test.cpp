#include "images/setup/network.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace images::setup {
namespace {

using testing::HasSubstr;

std::string refusal(std::string_view text) {
    const auto file = network_file(text);
    return file ? "taken" : file.error().line();
}

TEST(Network, BecomesAFileOfNetworkdsWithNothingElseInIt) {
    const auto file = network_file(
        "# ours\naddress=10.0.0.2/24\r\naddress=fd00::2/64\ngateway=10.0.0.1\ndns=10.0.0.53\n"
        "ntp=time.example.org\nntp=fd00::123\n");
    ASSERT_TRUE(file.has_value()) << file.error().line();
    EXPECT_EQ(*file,
              "[Match]\nType=ether\n\n[Network]\nDHCP=no\nIPv6AcceptRA=no\nAddress=10.0.0.2/24\nAddress=fd00::2/64\n"
              "Gateway=10.0.0.1\nDNS=10.0.0.53\nNTP=time.example.org\nNTP=fd00::123\n");
}

TEST(Network, TakesPrefixesAtTheirBoundsAndNonePastThem) {
    EXPECT_EQ(refusal("address=10.0.0.2/32"), "taken");
    EXPECT_EQ(refusal("address=10.0.0.2/1"), "taken");
    EXPECT_EQ(refusal("address=fd00::2/128"), "taken");
    for (const char* wrong :
         {"10.0.0.2/33", "10.0.0.2/0", "fd00::2/129", "10.0.0.2/", "10.0.0.2/a", "10.0.0.2/4294967296"}) {
        EXPECT_THAT(refusal("address=" + std::string(wrong)), HasSubstr("is no prefix")) << wrong;
    }
    EXPECT_THAT(refusal("address=10.0.0.2"), HasSubstr("no address with its prefix"));
    EXPECT_THAT(refusal("address=10.0.0/24"), HasSubstr("no address with its prefix"));
}

TEST(Network, WhatIsNotUnderstoodIsRefusedAndNotPassedOn) {
    EXPECT_THAT(refusal("address=10.0.0.2/24\n[Link]"), HasSubstr("'[Link]' is not understood"));
    EXPECT_THAT(refusal("address=10.0.0.2/24\nIPMasquerade=yes"), HasSubstr("is not understood"));
    EXPECT_THAT(refusal("gateway=gate"), HasSubstr("'gate' is no address"));
    EXPECT_THAT(refusal("dns="), HasSubstr("is no address"));
    EXPECT_THAT(refusal("ntp="), HasSubstr("'' is no name and no address"));
    EXPECT_THAT(refusal("ntp=time.example.org DHCP=yes"), HasSubstr("is no name and no address"));
    EXPECT_EQ(refusal("address=10.0.0.2/24\nntp=" + std::string(253, 't')), "taken");
    EXPECT_THAT(refusal("ntp=" + std::string(254, 't')), HasSubstr("is no name and no address"));
    EXPECT_THAT(refusal(""), HasSubstr("no address in it"));
}

}  // namespace
}  // namespace images::setup
