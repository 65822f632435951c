// Servers that the file gives by names: what is taken for a name, and what stands beside it.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/appliance/config/problems.hpp"

namespace appliance::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string site_with(const std::string& host, const std::string& more = {}) {
    return "listen.web = { address = \"0.0.0.0:80\", pool = \"app\" }\n"
           "server.web1 = { host = \"" +
           host + "\"" + more +
           " }\n"
           "pool.app = { port = 80, servers = [\"web1\"] }\n";
}

std::string label(std::size_t bytes) {
    return std::string(bytes, 'a');
}

// Of so many bytes, in labels of at most 63.
std::string name_of(std::size_t bytes) {
    std::string name;
    while (name.size() + 64 < bytes) {
        name += label(63) + ".";
    }
    return name + label(bytes - name.size());
}

TEST(DnsName, StandsInAnAddressPlaceWithItsOwnInterval) {
    const auto config = parse(site_with("web1.example.org", ", resolve = \"5s\""), "g.toml");
    ASSERT_TRUE(config.has_value());
    const Server& server = config->servers.front();
    EXPECT_EQ(server.dns_name, "web1.example.org");
    EXPECT_EQ(server.host, core::Address());
    EXPECT_EQ(server.resolve, core::Milliseconds{5'000});
    const Backend& backend = config->pools.front().backends.front();
    EXPECT_FALSE(backend.has_address());
    EXPECT_EQ(backend.address.port(), 80);
    EXPECT_EQ(parse(site_with("web1.example.org"), "g.toml")->servers.front().resolve, core::Milliseconds{30'000});
}

TEST(DnsName, IsWhatResolversTakeForOne) {
    for (const std::string& name :
         {std::string("localhost"), std::string("web-1"), std::string("db_1.internal"), std::string("1und1.example"),
          std::string("web1.example.org."), std::string("WEB1.Example.ORG"), std::string("xn--bcher-kva.example"),
          label(63) + ".org", name_of(253), name_of(253) + "."}) {
        EXPECT_EQ(problems_of(site_with(name)), "") << name;
    }
}

TEST(DnsName, IsNoSpellingOfAnAddressAndNothingElse) {
    for (const std::string& name :
         {std::string("10.0.0.256"), std::string("10.0.0"), std::string("0x7f000001"), std::string("example.0x7f"),
          std::string("web1.example.org:80"), std::string("web 1"), std::string("-web1"), std::string("web1-.org"),
          std::string("web1..org"), std::string(".org"), std::string("."), std::string("bücher.example"),
          std::string("http://web1"), label(64) + ".org", name_of(254), name_of(254) + "."}) {
        EXPECT_THAT(problem_list(site_with(name)), ElementsAre(HasSubstr("bad 'host' in [server.web1]: "))) << name;
    }
}

TEST(DnsName, TheIntervalIsFromASecondToAnHour) {
    for (const char* good : {"1s", "1h"}) {
        EXPECT_EQ(problems_of(site_with("web1", fmt::format(", resolve = \"{}\"", good))), "");
    }
    for (const char* bad : {"999ms", "3601s", "0s"}) {
        EXPECT_THAT(problem_list(site_with("web1", fmt::format(", resolve = \"{}\"", bad))),
                    ElementsAre(HasSubstr("bad 'resolve' in [server.web1]")))
            << bad;
    }
}

TEST(DnsName, NothingIsLookedUpOfAnAddress) {
    EXPECT_THAT(problem_list(site_with("10.0.0.11", ", resolve = \"5s\"")),
                ElementsAre(HasSubstr(
                    "bad 'resolve' in [server.web1]: 'host' is an address, and no name to look up; leave it out")));
    EXPECT_THAT(problem_list(site_with("10.0.0.256", ", resolve = \"5s\"")),
                ElementsAre(HasSubstr("bad 'host' in [server.web1]")));
}

TEST(DnsName, SoManyServersMayHaveOne) {
    const auto servers = [](std::size_t count) {
        std::string text = good_site;
        for (std::size_t i = 0; i < count; ++i) {
            text += fmt::format("server.s{} = {{ host = \"s{}.example.org\" }}\n", i, i);
        }
        return text;
    };
    EXPECT_EQ(problems_of(servers(256)), "");
    EXPECT_THAT(problem_list(servers(257)), ElementsAre(HasSubstr("more than 256 servers are given by names; write the "
                                                                  "address of this one")));
}

// Their addresses are not known yet, so that only the same server with the same port is twice in a pool.
TEST(DnsName, TwoServersWithoutAnAddressAreNotTheSame) {
    const std::string two =
        "listen.web = { address = \"0.0.0.0:80\", pool = \"app\" }\n"
        "server.web1 = { host = \"app.example.org\" }\n"
        "server.web2 = { host = \"app.example.org\" }\n";
    EXPECT_EQ(problems_of(two + "pool.app = { port = 80, servers = [\"web1\", \"web2\"] }\n"), "");
    EXPECT_THAT(problem_list(two + "pool.app = { port = 80, servers = [\"web1\", \"web1\"] }\n"),
                ElementsAre(HasSubstr("'web1' in [pool.app] is app.example.org:80 again, as 'web1' is")));
}

// Which family a name has is not known from the file.
TEST(DnsName, MayBeLedToInTheKernel) {
    const std::string text =
        "listen.web = { address = \"10.0.0.1:80\", mode = \"tcp\", pool = \"app\" }\n"
        "server.web1 = { host = \"app.example.org\" }\n"
        "pool.app = { port = 80, servers = [\"web1\"], plane = \"kernel\", check = { type = \"tcp\" } }\n";
    EXPECT_EQ(problems_of(text), "");
}

}  // namespace
}  // namespace appliance::config
