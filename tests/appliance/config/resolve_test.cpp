#include "appliance/config/model/resolve.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/appliance/config/problems.hpp"

namespace appliance::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

core::Address host(const char* text) {
    return *core::Address::parse_host(text, 0);
}

// web1 and web2 by names, web3 by its address; all three in app, web1 alone in chat.
Config site(const std::string& listener = "address = \"10.0.0.1:80\"", const std::string& plane = "") {
    const auto config = parse("listen.web = { " + listener +
                                  ", pool = \"app\" }\n"
                                  "server.web1 = { host = \"web1.example.org\" }\n"
                                  "server.web2 = { host = \"web2.example.org\" }\n"
                                  "server.web3 = { host = \"10.0.0.13\" }\n"
                                  "pool.app = { port = 80, servers = [\"web1\", \"web2\", \"web3\"]" +
                                  plane +
                                  " }\n"
                                  "pool.chat = { port = 5222, servers = [\"web1\"] }\n",
                              "g.toml");
    EXPECT_TRUE(config.has_value());
    return *config;
}

// By server.
std::map<std::string, std::string> hosts(const Config& config) {
    std::map<std::string, std::string> all;
    for (const Server& server : config.servers) {
        all.emplace(server.name, server.host.host());
    }
    return all;
}

// The site where these have been resolved.
Config running(const Answers& answers) {
    Config config = site();
    resolve(config, answers, config);
    return config;
}

TEST(Resolve, AServerHasItsAddressInEachOfItsPools) {
    Config config = site();
    EXPECT_THAT(resolve(config, {{"web1", {host("10.0.0.11")}}}, config), IsEmpty());
    EXPECT_EQ(config.servers[0].host.text(), "10.0.0.11:0");
    EXPECT_EQ(config.pools[0].backends[0].address.text(), "10.0.0.11:80");
    EXPECT_EQ(config.pools[1].backends[0].address.text(), "10.0.0.11:5222");
    EXPECT_FALSE(config.pools[0].backends[1].has_address()) << "web2 has not been resolved";
    EXPECT_EQ(config.pools[0].backends[2].address.text(), "10.0.0.13:80");
}

TEST(Resolve, TheFirstOfTheAnswerIsTaken) {
    EXPECT_EQ(hosts(running({{"web1", {host("10.0.0.21"), host("10.0.0.11")}}}))["web1"], "10.0.0.21");
}

TEST(Resolve, AServerStaysWhileTheAnswerHoldsItsAddress) {
    const Config before = running({{"web1", {host("10.0.0.21")}}});
    Config wanted = site();
    resolve(wanted, {{"web1", {host("10.0.0.11"), host("10.0.0.21")}}}, before);
    EXPECT_EQ(hosts(wanted)["web1"], "10.0.0.21");
}

TEST(Resolve, AServerMovesWhenTheAnswerHoldsItNoMore) {
    const Config before = running({{"web1", {host("10.0.0.21")}}});
    Config wanted = site();
    resolve(wanted, {{"web1", {host("10.0.0.11")}}}, before);
    EXPECT_EQ(hosts(wanted)["web1"], "10.0.0.11");
}

TEST(Resolve, AServerWithoutAnAnswerStays) {
    const Config before = running({{"web1", {host("10.0.0.21")}}});
    Config wanted = site();
    EXPECT_THAT(resolve(wanted, {}, before), IsEmpty());
    EXPECT_EQ(hosts(wanted)["web1"], "10.0.0.21");
    EXPECT_EQ(hosts(wanted)["web2"], "0.0.0.0");
}

TEST(Resolve, AnAddressThatAnotherOfThePoolHasIsPassedOver) {
    Config config = site();
    EXPECT_THAT(resolve(config, {{"web1", {host("10.0.0.13"), host("10.0.0.21")}}}, config), IsEmpty());
    EXPECT_EQ(hosts(config)["web1"], "10.0.0.21");
}

TEST(Resolve, TwoServersOfOneNameShareItsAddresses) {
    const std::vector<core::Address> both{host("10.0.0.11"), host("10.0.0.12")};
    Config config = site();
    EXPECT_THAT(resolve(config, {{"web1", both}, {"web2", both}}, config), IsEmpty());
    EXPECT_EQ(hosts(config)["web1"], "10.0.0.11");
    EXPECT_EQ(hosts(config)["web2"], "10.0.0.12");
}

TEST(Resolve, WhereNothingFitsTheAddressStaysAndTheReasonIsTold) {
    const Config before = running({{"web1", {host("10.0.0.21")}}});
    Config wanted = site();
    EXPECT_THAT(resolve(wanted, {{"web1", {host("10.0.0.13")}}}, before),
                ElementsAre(Pair("web1", "10.0.0.13:80 is web3 in pool app already")));
    EXPECT_EQ(hosts(wanted)["web1"], "10.0.0.21");

    Config fresh = site();
    EXPECT_THAT(resolve(fresh, {{"web1", {host("10.0.0.13")}}}, fresh),
                ElementsAre(Pair("web1", "10.0.0.13:80 is web3 in pool app already")));
    EXPECT_FALSE(fresh.pools[0].backends[0].has_address());
}

TEST(Resolve, AServerThatMovesDoesNotTakeTheAddressOfOneThatStays) {
    const Config before = running({{"web1", {host("10.0.0.21")}}, {"web2", {host("10.0.0.22")}}});
    Config wanted = site();
    EXPECT_THAT(resolve(wanted, {{"web1", {host("10.0.0.22")}}, {"web2", {host("10.0.0.22")}}}, before),
                ElementsAre(Pair("web1", "10.0.0.22:80 is web2 in pool app already")));
    EXPECT_EQ(hosts(wanted)["web1"], "10.0.0.21");
    EXPECT_EQ(hosts(wanted)["web2"], "10.0.0.22");
}

TEST(Resolve, TwoServersMayChangePlaces) {
    const Config before = running({{"web1", {host("10.0.0.21")}}, {"web2", {host("10.0.0.22")}}});
    Config wanted = site();
    EXPECT_THAT(resolve(wanted, {{"web1", {host("10.0.0.22")}}, {"web2", {host("10.0.0.21")}}}, before), IsEmpty());
    EXPECT_EQ(hosts(wanted)["web1"], "10.0.0.22");
    EXPECT_EQ(hosts(wanted)["web2"], "10.0.0.21");
}

TEST(Resolve, NoServerIsOneOfOurListeners) {
    Config config = site();
    EXPECT_THAT(resolve(config, {{"web1", {host("10.0.0.1")}}}, config),
                ElementsAre(Pair("web1", "10.0.0.1:80 is the address of listener web")));
    EXPECT_FALSE(config.pools[0].backends[0].has_address());
    Config everywhere = site("address = \"0.0.0.0:80\"");
    EXPECT_THAT(resolve(everywhere, {{"web1", {host("127.0.0.1")}}}, everywhere),
                ElementsAre(Pair("web1", "127.0.0.1:80 is the address of listener web")));
}

TEST(Resolve, AKernelListenerLeadsToItsOwnFamily) {
    Config config =
        site("address = \"10.0.0.1:81\", mode = \"tcp\"", ", plane = \"kernel\", check = { type = \"tcp\" }");
    EXPECT_THAT(
        resolve(config, {{"web1", {host("fd00::11"), host("10.0.0.11")}}, {"web2", {host("fd00::12")}}}, config),
        ElementsAre(Pair("web2", "the kernel cannot lead from 10.0.0.1:81 to [fd00::12]:80, of another family")));
    EXPECT_EQ(hosts(config)["web1"], "10.0.0.11");
    EXPECT_FALSE(config.pools[0].backends[1].has_address());
}

TEST(Resolve, AnUnspecifiedAddressIsNoMachines) {
    for (const char* nowhere : {"0.0.0.0", "::"}) {
        Config config = site();
        EXPECT_THAT(resolve(config, {{"web1", {host(nowhere)}}}, config),
                    ElementsAre(Pair("web1", std::string(nowhere) + " is no machine's address")));
        EXPECT_FALSE(config.pools[0].backends[0].has_address());
    }
}

// From an address to a name: the server is where it was until the name says otherwise.
TEST(Resolve, AServerThatGetsANameStaysUntilItResolves) {
    Config before = site();
    before.servers[1] = {.name = "web2", .host = host("10.0.0.12")};
    Config wanted = site();
    resolve(wanted, {}, before);
    EXPECT_EQ(hosts(wanted)["web2"], "10.0.0.12");
}

TEST(Resolve, AServerThatIsGivenByItsAddressIsNotTouched) {
    const Config before = running({});
    Config wanted = site();
    wanted.servers[2].host = host("10.0.0.99");
    resolve(wanted, {{"web3", {host("10.0.0.50")}}}, before);
    EXPECT_EQ(hosts(wanted)["web3"], "10.0.0.99");
}

}  // namespace
}  // namespace appliance::config
