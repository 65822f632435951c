#include "core/base/network.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace core::base {
namespace {

TEST(Network, ReadsWhatItPrints) {
    for (const std::string text : {"10.0.0.0/8", "0.0.0.0/0", "192.0.2.7/32", "192.0.2.128/25", "::/0", "fd00::/8",
                                   "fd00::/61", "2001:db8::1/128"}) {
        const auto network = Network::parse(text);
        ASSERT_TRUE(network) << text;
        EXPECT_EQ(network->text(), text);
    }
}

TEST(Network, TakesAnAddressAloneAsANetworkOfOne) {
    EXPECT_EQ(Network::parse("192.0.2.7")->text(), "192.0.2.7/32");
    EXPECT_EQ(Network::parse("::1")->text(), "::1/128");
}

TEST(Network, OfIpv4AddressesInIpv6FormIsIpv4) {
    EXPECT_EQ(Network::parse("::ffff:10.0.0.0/104")->text(), "10.0.0.0/8");
    EXPECT_EQ(Network::parse("::ffff:10.0.0.7")->text(), "10.0.0.7/32");
    EXPECT_EQ(Network::parse("::ffff:0.0.0.0/96")->text(), "0.0.0.0/0");
    EXPECT_FALSE(Network::parse("::ffff:0.0.0.0/95"));
    EXPECT_FALSE(Network::parse("::ffff:10.0.0.7/129"));
    EXPECT_TRUE(Network::parse("10.0.0.0/8")->contains(*Address::parse("[::ffff:10.1.2.3]:80")));
}

TEST(Network, RefusesWhatIsNone) {
    for (const char* text : {"", "/", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0.0/8 ",
                             "10.0.0.0/8/8", "10.0.0/8", "web1", "10.0.0.0/4294967297"}) {
        EXPECT_FALSE(Network::parse(text)) << text;
    }
}

TEST(Network, ContainsWhatSharesItsPrefix) {
    const auto contains = [](const char* network, const char* address) {
        return Network::parse(network)->contains(*Address::parse_host(address, 80));
    };
    EXPECT_TRUE(contains("10.0.0.0/8", "10.255.0.1"));
    EXPECT_FALSE(contains("10.0.0.0/8", "11.0.0.1"));
    EXPECT_TRUE(contains("192.0.2.128/25", "192.0.2.129"));
    EXPECT_FALSE(contains("192.0.2.128/25", "192.0.2.127"));
    EXPECT_TRUE(contains("192.0.2.7", "192.0.2.7"));
    EXPECT_FALSE(contains("192.0.2.7", "192.0.2.6"));
    EXPECT_TRUE(contains("0.0.0.0/0", "203.0.113.1"));
    EXPECT_TRUE(contains("fd00::/8", "fdff::1"));
    EXPECT_FALSE(contains("fd00::/8", "fe00::1"));
    EXPECT_TRUE(contains("2001:db8::1", "2001:db8::1"));
    EXPECT_FALSE(contains("2001:db8::1", "2001:db8::"));
    EXPECT_FALSE(contains("::/0", "192.0.2.1"));
    EXPECT_FALSE(contains("0.0.0.0/0", "::1"));
}

TEST(Network, AsksWhichWasMeantWhenBitsStandBehindThePrefix) {
    const auto network = Network::parse("10.1.2.3/8");
    ASSERT_FALSE(network);
    EXPECT_EQ(network.error().line(),
              "'10.1.2.3/8' has bits set behind its prefix; write 10.0.0.0/8 for the network, or 10.1.2.3 for the one "
              "address");
    EXPECT_FALSE(Network::parse("fd00::1/64"));
}

}  // namespace
}  // namespace core::base
