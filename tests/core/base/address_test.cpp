#include "core/base/address.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

namespace core::base {
namespace {

using testing::HasSubstr;

TEST(Address, IsNowhereByDefault) {
    EXPECT_EQ(Address().text(), "0.0.0.0:0");
    EXPECT_TRUE(Address().is_v4());
}

TEST(Address, PrintsWhatItParsedInItsShortestForm) {
    struct Case {
        const char* text;
        const char* printed;
        bool v4;
        std::uint16_t port;
    };
    for (const Case& c : {
             Case{"10.0.0.1:80", "10.0.0.1:80", true, 80},
             Case{"0.0.0.0:0", "0.0.0.0:0", true, 0},
             Case{"255.255.255.255:65535", "255.255.255.255:65535", true, 65535},
             Case{"[::1]:80", "[::1]:80", false, 80},
             Case{"[::]:443", "[::]:443", false, 443},
             Case{"[2001:DB8:0:0:0:0:0:11]:8080", "[2001:db8::11]:8080", false, 8080},
             Case{"[::ffff:10.0.0.1]:80", "10.0.0.1:80", true, 80},  // an IPv4 address, in this notation too
             Case{"[::fffe:10.0.0.1]:80", "[::fffe:a00:1]:80", false, 80},
         }) {
        const auto address = Address::parse(c.text);
        ASSERT_TRUE(address.has_value()) << c.text << ": " << address.error().line();
        EXPECT_EQ(address->text(), c.printed);
        EXPECT_EQ(address->is_v4(), c.v4) << c.text;
        EXPECT_EQ(address->family(), c.v4 ? AF_INET : AF_INET6) << c.text;
        EXPECT_EQ(address->port(), c.port) << c.text;
        EXPECT_EQ(*Address::parse(address->text()), *address) << c.text;
    }
}

TEST(Address, RefusesWhatIsNoAddressAndSaysWhatToWrite) {
    struct Case {
        std::string text;
        const char* error;
    };
    for (const Case& c : {
             Case{"", "has no port"},
             Case{"10.0.0.1", "has no port"},
             Case{"localhost", "has no port"},
             Case{"localhost:80", "'localhost' is not an IP address"},
             Case{":80", "'' is not an IP address"},
             Case{"10.0.0.1:", "'' is not a port"},
             Case{"10.0.0.1:http", "'http' is not a port"},
             Case{"10.0.0.1:65536", "'65536' is not a port"},
             Case{"10.0.0.1:99999999999", "'99999999999' is not a port"},
             Case{"10.0.0.1:-1", "'-1' is not a port"},
             Case{"10.0.0.1:+80", "'+80' is not a port"},
             Case{"10.0.0.1: 80", "' 80' is not a port"},
             Case{"10.0.0.1:80 ", "'80 ' is not a port"},
             Case{"10.0.0.256:80", "is not an IP address"},
             Case{"10.0.1:80", "is not an IP address"},
             Case{"010.0.0.1:80", "is not an IP address"},
             Case{" 10.0.0.1:80", "is not an IP address"},
             Case{"::1:80", "is ambiguous"},
             Case{"::", "is ambiguous"},
             Case{"[::1]", "is ambiguous"},
             Case{"[::1:80", "is ambiguous"},
             Case{"[10.0.0.1]:80", "brackets are for IPv6"},
             Case{"[]:80", "brackets are for IPv6"},
             Case{"[::g]:80", "is not an IP address"},
             Case{"[fe80::1%eth0]:80", "is not an IP address"},
             Case{std::string("10.0.0.1\0.evil:80", 17), "is not an IP address"},
         }) {
        const auto address = Address::parse(c.text);
        ASSERT_FALSE(address.has_value()) << c.text;
        EXPECT_THAT(address.error().line(), HasSubstr(c.error)) << c.text;
        EXPECT_FALSE(address.error().mend.empty()) << c.text;
    }
}

TEST(Address, KnowsLoopback) {
    for (const char* host : {"127.0.0.1", "127.255.255.255", "::1"}) {
        EXPECT_TRUE(Address::parse_host(host, 80)->is_loopback()) << host;
    }
    for (const char* host : {"126.255.255.255", "128.0.0.0", "0.0.0.0", "::", "::2", "7f00::1"}) {
        EXPECT_FALSE(Address::parse_host(host, 80)->is_loopback()) << host;
    }
}

TEST(Address, TakesAHostWithAPortOfItsOwn) {
    EXPECT_EQ(Address::parse_host("10.0.0.11", 80)->text(), "10.0.0.11:80");
    EXPECT_EQ(Address::parse_host("2001:db8::11", 80)->text(), "[2001:db8::11]:80");
    EXPECT_EQ(Address::parse_host("2001:db8::11", 80)->host(), "2001:db8::11");
}

TEST(Address, RefusesAHostThatIsNoPlainAddress) {
    for (const std::string& host :
         {std::string("web1"), std::string(""), std::string("[::1]"), std::string("10.0.0.1:80"), std::string("10.0.0"),
          std::string("10.0.0.1\0", 9), std::string("::1\0x", 5)}) {
        EXPECT_FALSE(Address::parse_host(host, 80).has_value()) << host;
    }
}

TEST(Address, SurvivesTheWayThroughASocketAddress) {
    for (const char* text : {"10.0.0.1:80", "[2001:db8::11]:8080"}) {
        const Address address = *Address::parse(text);
        sockaddr_storage storage{};
        const socklen_t size = address.fill(storage);
        EXPECT_EQ(size, address.is_v4() ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
        EXPECT_EQ(storage.ss_family, address.family());
        EXPECT_EQ(Address::from(storage), address);
    }
}

TEST(Address, FillsAllOfASocketAddressThatHeldAnother) {
    sockaddr_storage storage{};
    Address::parse("[2001:db8::11]:8080")->fill(storage);
    Address::parse("10.0.0.1:80")->fill(storage);
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(80);
    v4.sin_addr.s_addr = htonl(0x0a000001);
    EXPECT_EQ(std::memcmp(&storage, &v4, sizeof v4), 0);
}

TEST(Address, IsNowhereFromAnyOtherFamily) {
    sockaddr_storage storage{};
    storage.ss_family = AF_UNIX;
    EXPECT_EQ(Address::from(storage), Address());
}

TEST(Address, KeepsItsHostUnderAnotherPort) {
    const Address address = *Address::parse("[::1]:80");
    EXPECT_EQ(address.with_port(443).text(), "[::1]:443");
    EXPECT_EQ(address.port(), 80);
}

TEST(Address, HoldsItsBytesInNetworkOrderAndTheRestZero) {
    const auto bytes = Address::parse("10.1.2.3:80")->bytes();
    EXPECT_EQ(bytes, (std::array<std::uint8_t, 16>{10, 1, 2, 3}));
    EXPECT_EQ(Address::parse("[::1]:80")->bytes()[15], 1);
}

TEST(Address, DiffersByFamilyWhereTheBytesAreTheSame) {
    EXPECT_NE(*Address::parse("0.0.0.0:80"), *Address::parse("[::]:80"));
    EXPECT_NE(*Address::parse("0.0.0.0:80"), *Address::parse("0.0.0.0:81"));
    EXPECT_LT(*Address::parse("10.0.0.1:80"), *Address::parse("10.0.0.2:79"));
}

}  // namespace
}  // namespace core::base
