// [firewall], right and wrong, at the limits and past them.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/appliance/config/problems.hpp"

namespace appliance::config {
namespace {

using namespace std::chrono_literals;

const std::string up_to_firewall = good_site + "[firewall]\n";  // the section's keys begin in line 5

std::string firewall_problems(const std::string& section) {
    return problems_of(up_to_firewall + section);
}

Firewall read(const std::string& section) {
    const auto config = parse(up_to_firewall + section, "g.toml");
    EXPECT_TRUE(config) << firewall_problems(section);
    return config ? config->firewall : Firewall{};
}

std::string repeated(const std::string& item, std::size_t count) {
    std::string list;
    for (std::size_t i = 0; i < count; ++i) {
        list += fmt::format("{}{}", i == 0 ? "" : ", ", fmt::format(fmt::runtime(item), i));
    }
    return "[" + list + "]";
}

TEST(FirewallSection, IsOffUnlessItSaysOtherwise) {
    EXPECT_FALSE(read("").enabled);
    EXPECT_EQ(read("").management_ports, std::vector<std::uint16_t>{22});
    EXPECT_EQ(read("").confirm, 60s);
}

TEST(FirewallSection, TakesAllItsKeys) {
    const auto firewall = read(
        "enabled = true\nmanagement = [\"10.0.0.0/8\", \"fd00::/8\", \"192.0.2.7\"]\nmanagement_ports = [9090, 22]\n"
        "connections_per_source = 100\nnew_per_source = \"600/m\"\nconfirm = \"2m\"\n");
    EXPECT_TRUE(firewall.enabled);
    ASSERT_EQ(firewall.management.size(), 3U);
    EXPECT_EQ(firewall.management[2].text(), "192.0.2.7/32");
    EXPECT_EQ(firewall.management_ports, (std::vector<std::uint16_t>{22, 9090}));
    EXPECT_EQ(firewall.connections_per_source, 100U);
    EXPECT_EQ(firewall.new_per_source, (Firewall::Rate{600, 60}));
    EXPECT_EQ(firewall.confirm, 120s);
}

TEST(FirewallSection, SaysWhatIsWrongWhereAndHowToMendIt) {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"enabled = true\n",
         "g.toml:4:2: [firewall] has no 'management', so nobody could reach the management ports; add management = "
         "[\"10.0.0.0/8\"], or management = [] when nobody shall\n"},
        {"management = [\"10.0.0.1/8\"]\n",
         "g.toml:5:15: bad 'management' in [firewall]: '10.0.0.1/8' has bits set behind its prefix; write 10.0.0.0/8 "
         "for the network, or 10.0.0.1 for the one address\n"},
        {"management = [\"10.0.0.0/8\", \"10.0.0.0/8\"]\n",
         "g.toml:5:29: bad 'management' in [firewall]: 10.0.0.0/8 stands there twice; leave one of the two out\n"},
        {"management = \"10.0.0.0/8\"\n",
         "g.toml:5:14: bad 'management' in [firewall]: it is a string; write a list of at most 64, such as "
         "[\"10.0.0.0/8\"]\n"},
        {"management_ports = [0]\n",
         "g.toml:5:20: bad 'management_ports' in [firewall]: it is not a list of ports; write at most 64 numbers from "
         "1 to 65535, such as [22]\n"},
        {"enabled = true\nmanagement = []\nmanagement_ports = [22, 80]\n",
         "g.toml:7:20: bad 'management_ports' in [firewall]: port 80 is that of [listen.web], which everybody reaches; "
         "leave it out, or move the listener\n"},
        {"new_per_source = \"fast\"\n",
         "g.toml:5:18: bad 'new_per_source' in [firewall]: 'fast' is not a rate; write a number from 1 to 1000000 and "
         "a "
         "unit, as 100/s, 600/m or 5000/h\n"},
        {"managment = []\n", "g.toml:5:1: unknown key 'managment' in [firewall]; did you mean 'management'?\n"},
    };
    for (const auto& [section, problems] : cases) {
        EXPECT_EQ(firewall_problems(section), problems);
    }
}

TEST(FirewallSection, HoldsItsLimits) {
    const std::vector<std::pair<std::string, std::string>> at_and_past{
        {"management = " + repeated("\"10.0.{}.0/24\"", 64), "management = " + repeated("\"10.0.{}.0/24\"", 65)},
        {"management_ports = " + repeated("{}", 0), "management_ports = [65536]"},
        {"management_ports = " + repeated("1{:02}", 64), "management_ports = " + repeated("1{:02}", 65)},
        {"connections_per_source = 1000000", "connections_per_source = 1000001"},
        {"connections_per_source = 0", "connections_per_source = -1"},
        {"new_per_source = \"1000000/s\"", "new_per_source = \"1000001/s\""},
        {"new_per_source = \"1/h\"", "new_per_source = \"0/h\""},
        {"confirm = \"10s\"", "confirm = \"9s\""},
        {"confirm = \"1h\"", "confirm = \"61m\""}};
    for (const auto& [at, past] : at_and_past) {
        EXPECT_EQ(firewall_problems(at + "\n"), "") << at;
        EXPECT_NE(firewall_problems(past + "\n"), "") << past;
    }
    for (const char* rate : {"", "1", "1/", "/s", "1/d", "-1/s", "1.5/s", " 1/s", "1/s "}) {
        EXPECT_NE(firewall_problems(fmt::format("new_per_source = \"{}\"\n", rate)), "") << rate;
    }
}

}  // namespace
}  // namespace appliance::config
