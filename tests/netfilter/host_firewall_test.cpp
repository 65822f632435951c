// The appliance's own firewall in the real kernel: packets from a second namespace over a veth, and nft as the oracle.
#include "netfilter/firewall/host_firewall.hpp"

#include <sys/wait.h>

#include <fcntl.h>
#include <algorithm>
#include <csignal>

#include "kernel.hpp"

namespace netfilter::test {
namespace {

constexpr const char* gate4 = "10.9.0.1";
constexpr const char* gate6 = "fd09::1";
constexpr const char* manager4 = "10.9.0.10";
constexpr const char* stranger4 = "10.9.0.20";
constexpr const char* stranger6 = "fd09:0:0:1::20";
constexpr int silence_ms = 250;

class HostFirewallTest : public Kernel {
protected:
    void SetUp() override {
        Kernel::SetUp();
        if (!manager_) {
            return;
        }
        here_ = Descriptor(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
        // Keeps this namespace, so that ip can move one end of the cable into it.
        const pid_t keeper = fork();
        if (keeper == 0) {
            pause();
            _exit(0);
        }
        ASSERT_EQ(unshare(CLONE_NEWNET), 0);
        there_ = Descriptor(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
        run("ip link add visitors type veth peer name gate netns " + std::to_string(keeper));
        run("ip link set visitors up && ip addr add 10.9.0.10/24 dev visitors && ip addr add 10.9.0.20/24 dev visitors"
            " && ip addr add fd09:0:0:1::20/32 dev visitors nodad");
        ASSERT_EQ(setns(here_.get(), CLONE_NEWNET), 0);
        kill(keeper, SIGKILL);
        waitpid(keeper, nullptr, 0);
        run("ip link set gate up && ip addr add 10.9.0.1/24 dev gate && ip addr add fd09::1/32 dev gate nodad");
        firewall_.emplace(manager_->kernel());
        for (const char* source : {manager4, stranger4, stranger6}) {
            wait_for_way(source);
        }
    }

    // A new cable loses packets until both ends are up. A lost neighbour solicitation is repeated a second later. Until
    // then silence says nothing about the rules.
    void wait_for_way(const char* source) {
        const auto closed = Address::parse_host(Address::parse_host(source, 0)->is_v4() ? gate4 : gate6, 9);
        for (int tries = 0; tries < 40; ++tries) {
            if (error_of(source, *closed) == ECONNREFUSED) {
                return;
            }
        }
        FAIL() << source << " has no way to the gate";
    }

    // Rules that let all sources reach the one port, and managers the other.
    static HostRules make_rules(const Address& open_to_all, const Address& managed) {
        HostRules rules;
        rules.ports = {open_to_all.port()};
        rules.management_ports = {managed.port()};
        rules.management = {*core::Network::parse("10.9.0.10/32"), *core::Network::parse("fd77::/16")};
        return rules;
    }

    void put(const HostRules& rules) {
        const auto changed = firewall_->put(rules);
        ASSERT_TRUE(changed) << changed.error().line();
    }

    // A connect from the other side of the cable; ETIMEDOUT where the packets were dropped.
    Attempt reach(const char* from, const Address& to) {
        EXPECT_EQ(setns(there_.get(), CLONE_NEWNET), 0);
        Attempt made{0, Descriptor(socket(to.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0))};
        EXPECT_EQ(setns(here_.get(), CLONE_NEWNET), 0);
        sockaddr_storage storage{};
        auto length = Address::parse_host(from, 0)->fill(storage);
        EXPECT_EQ(bind(made.descriptor.get(), reinterpret_cast<sockaddr*>(&storage), length), 0) << strerror(errno);
        length = to.fill(storage);
        connect(made.descriptor.get(), reinterpret_cast<sockaddr*>(&storage), length);
        pollfd waited{made.descriptor.get(), POLLOUT, 0};
        made.os_error = ETIMEDOUT;
        if (poll(&waited, 1, silence_ms) == 1) {
            socklen_t size = sizeof made.os_error;
            getsockopt(made.descriptor.get(), SOL_SOCKET, SO_ERROR, &made.os_error, &size);
        }
        return made;
    }
    int error_of(const char* from, const Address& to) { return reach(from, to).os_error; }

    Descriptor here_;
    Descriptor there_;
    std::optional<HostFirewall> firewall_;
};

void expect_flows(const Descriptor& from, const Descriptor& to) {
    char byte = 'x';
    ASSERT_EQ(write(from.get(), &byte, 1), 1);
    pollfd readable{to.get(), POLLIN, 0};
    ASSERT_EQ(poll(&readable, 1, 3000), 1);
    EXPECT_EQ(read(to.get(), &byte, 1), 1);
}

TEST_F(HostFirewallTest, LetsAllSourcesReachAnOpenPortAndDropsTheRest) {
    const Listener open_port(gate4);
    const Listener closed_port(gate4);
    ASSERT_EQ(error_of(stranger4, closed_port.address()), 0);
    put(make_rules(open_port.address(), Address().with_port(22)));
    EXPECT_EQ(error_of(stranger4, open_port.address()), 0);
    EXPECT_EQ(error_of(stranger4, closed_port.address()), ETIMEDOUT);
    EXPECT_EQ(error_of(manager4, closed_port.address()), ETIMEDOUT);
    const auto drops = firewall_->drops();
    ASSERT_TRUE(drops && *drops);
    EXPECT_GE((*drops)->policy, 2U);
    EXPECT_EQ((*drops)->rate, 0U);
}

TEST_F(HostFirewallTest, LetsLoopbackReachEveryPort) {
    const Listener closed_port("127.0.0.1");
    put(make_rules(Address().with_port(80), Address().with_port(22)));
    EXPECT_EQ(connect_error(closed_port.address()), 0);
}

TEST_F(HostFirewallTest, LetsOnlyTheManagementNetworkReachAManagementPort) {
    const Listener managed(gate4);
    put(make_rules(Address().with_port(80), managed.address()));
    EXPECT_EQ(error_of(manager4, managed.address()), 0);
    EXPECT_EQ(error_of(stranger4, managed.address()), ETIMEDOUT);
    auto rules = make_rules(Address().with_port(80), managed.address());
    rules.management = {*core::Network::parse("10.9.0.16/28")};
    put(rules);
    EXPECT_EQ(error_of(manager4, managed.address()), ETIMEDOUT);
    EXPECT_EQ(error_of(stranger4, managed.address()), 0);
}

TEST_F(HostFirewallTest, FindsItsNeighboursAndServesThemOverIpv6) {
    const Listener open_port(gate6);
    const Listener managed(gate6);
    auto rules = make_rules(open_port.address(), managed.address());
    put(rules);
    run("ip -6 neigh flush dev gate");
    EXPECT_EQ(error_of(stranger6, open_port.address()), 0) << run("ip -6 neigh");
    EXPECT_EQ(error_of(stranger6, managed.address()), ETIMEDOUT);
    rules.management = {*core::Network::parse("fd09:0:0:1::/64")};
    put(rules);
    EXPECT_EQ(error_of(stranger6, managed.address()), 0);
}

TEST_F(HostFirewallTest, KeepsEstablishedConnectionsWhenTheRulesAreReplaced) {
    const Listener port(gate4);
    put(make_rules(port.address(), Address().with_port(22)));
    const auto client = reach(stranger4, port.address());
    ASSERT_EQ(client.os_error, 0);
    const auto server = port.accept();
    put(make_rules(Address().with_port(9), Address().with_port(22)));
    EXPECT_EQ(error_of(stranger4, port.address()), ETIMEDOUT);
    expect_flows(client.descriptor, server);
    expect_flows(server, client.descriptor);
}

TEST_F(HostFirewallTest, LetsOneSourceHaveSoManyConnectionsAndNoMore) {
    const Listener port(gate4);
    auto rules = make_rules(port.address(), Address().with_port(22));
    rules.connections_per_source = 3;
    put(rules);
    std::vector<Attempt> open;
    for (int i = 0; i < 3; ++i) {
        open.push_back(reach(stranger4, port.address()));
        EXPECT_EQ(open.back().os_error, 0) << i;
    }
    EXPECT_EQ(error_of(stranger4, port.address()), ETIMEDOUT);
    EXPECT_EQ(error_of(manager4, port.address()), 0) << "another source has connections of its own";
    const auto drops = firewall_->drops();
    ASSERT_TRUE(drops && *drops);
    EXPECT_GE((*drops)->connections, 1U);
    // An ended connection makes room.
    const linger reset{1, 0};
    setsockopt(open.back().descriptor.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    open.pop_back();
    EXPECT_EQ(error_of(stranger4, port.address()), 0);
}

TEST_F(HostFirewallTest, CountsAWholeIpv6NetworkAsOneSource) {
    const Listener port(gate6);
    auto rules = make_rules(port.address(), Address().with_port(22));
    rules.connections_per_source = 1;
    put(rules);
    ASSERT_EQ(setns(there_.get(), CLONE_NEWNET), 0);
    run("ip addr add fd09:0:0:1::21/32 dev visitors nodad && ip addr add fd09:0:0:2::20/32 dev visitors nodad");
    ASSERT_EQ(setns(here_.get(), CLONE_NEWNET), 0);
    const auto first = reach(stranger6, port.address());
    EXPECT_EQ(first.os_error, 0);
    EXPECT_EQ(error_of("fd09:0:0:1::21", port.address()), ETIMEDOUT);
    EXPECT_EQ(error_of("fd09:0:0:2::20", port.address()), 0);
}

TEST_F(HostFirewallTest, LetsOneSourceOpenSoManyConnectionsInATimeAndNoMore) {
    const Listener port(gate4);
    auto rules = make_rules(port.address(), Address().with_port(22));
    rules.new_per_source = {3, 3600};
    put(rules);
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(error_of(stranger4, port.address()), 0) << i;
    }
    EXPECT_EQ(error_of(stranger4, port.address()), ETIMEDOUT);
    EXPECT_EQ(error_of(manager4, port.address()), 0);
    const auto drops = firewall_->drops();
    ASSERT_TRUE(drops && *drops);
    EXPECT_GE((*drops)->rate, 1U);
    EXPECT_EQ((*drops)->connections, 0U);
}

HostRules all_kinds() {
    HostRules rules;
    rules.ports = {80, 443, 5222, 8080, 8443, 9000};
    rules.management_ports = {22, 161};
    for (const char* each : {"10.0.0.0/8", "192.0.2.7", "0.0.0.0/0", "fd00::/61", "2001:db8::1", "::/0"}) {
        rules.management.push_back(*core::Network::parse(each));
    }
    rules.connections_per_source = 100;
    rules.new_per_source = {100, 60};
    rules.redirected = {5222, 5223};
    return rules;
}

TEST_F(HostFirewallTest, PrintsTheTableAsNftDoes) {
    put(all_kinds());
    EXPECT_EQ(in_any_layout(*firewall_->text()), in_any_layout(run("nft list table inet gatehouse_host")));
    auto plain = all_kinds();
    plain.connections_per_source = 0;
    plain.new_per_source = {5, 1};
    put(plain);
    EXPECT_EQ(in_any_layout(*firewall_->text()), in_any_layout(run("nft list table inet gatehouse_host")));
}

TEST_F(HostFirewallTest, PrintsWhatItHasLearntOfSourcesAsNftDoes) {
    const Listener port(gate4);
    auto rules = make_rules(port.address(), Address().with_port(22));
    rules.connections_per_source = 100;
    put(rules);
    const auto first = reach(stranger4, port.address());
    const auto second = reach(manager4, port.address());
    auto text = *firewall_->text();
    EXPECT_NE(text.find("10.9.0.20 ct count over 100"), std::string::npos) << text;
    auto nfts = run("nft list table inet gatehouse_host");
    // A packet in between moves a counter: only stable texts can be compared.
    for (int tries = 0; tries < 20 && text != nfts && text != *firewall_->text(); ++tries) {
        text = *firewall_->text();
        nfts = run("nft list table inet gatehouse_host");
    }
    EXPECT_EQ(text, nfts);
}

TEST_F(HostFirewallTest, SurvivesBeingListedAndLoadedByNft) {
    put(all_kinds());
    const auto before = run("nft list table inet gatehouse_host");
    run("nft list table inet gatehouse_host > /tmp/gatehouse-wall-$$; nft delete table inet gatehouse_host;"
        " nft -f /tmp/gatehouse-wall-$$; rm /tmp/gatehouse-wall-$$");
    EXPECT_EQ(run("nft list table inet gatehouse_host"), before);
}

TEST_F(HostFirewallTest, MeansToNftWhatItMeansToUs) {
    put(all_kinds());
    const auto chains = nft_objects("chain", "list table inet gatehouse_host");
    const auto input =
        std::find_if(chains.begin(), chains.end(), [](const auto& each) { return each["name"] == "input"; });
    ASSERT_NE(input, chains.end());
    EXPECT_EQ((*input)["policy"], "drop");
    EXPECT_EQ((*input)["hook"], "input");
    for (const auto& set : nft_objects("set", "list table inet gatehouse_host")) {
        if (set["name"] == "ports") {
            EXPECT_EQ(set["elem"], nlohmann::json({80, 443, 5222, 8080, 8443, 9000}));
        } else if (set["name"] == "management_ports") {
            EXPECT_EQ(set["elem"], nlohmann::json({22, 161}));
        } else if (set["name"] == "redirected_ports") {
            EXPECT_EQ(set["elem"], nlohmann::json({5222, 5223}));
        } else {
            EXPECT_EQ(set["size"], 65535);
        }
    }
}

TEST_F(HostFirewallTest, ChangesNothingWhenAllIsAsWanted) {
    put(all_kinds());
    const auto before = manager_->kernel().generation().value();
    const auto again = firewall_->put(all_kinds());
    EXPECT_EQ(again.value(), false);
    HostFirewall next(manager_->kernel());
    EXPECT_EQ(next.put(all_kinds()).value(), false) << "a new fence process takes the table over";
    EXPECT_EQ(manager_->kernel().generation().value(), before);
}

TEST_F(HostFirewallTest, RepairsWhatAnotherProgramHasChanged) {
    const auto rules = all_kinds();
    for (const char* harm :
         {"flush ruleset", "delete table inet gatehouse_host", "flush chain inet gatehouse_host input",
          "flush chain inet gatehouse_host forward", "insert rule inet gatehouse_host forward accept",
          "add chain inet gatehouse_host forward { policy accept; }", "insert rule inet gatehouse_host input accept",
          "add chain inet gatehouse_host input { policy accept; }",
          "add table inet gatehouse_host { flags dormant; }"}) {
        put(rules);
        run(std::string("nft '") + harm + "'");
        EXPECT_EQ(firewall_->put(rules).value(), true) << harm;
        EXPECT_EQ(firewall_->put(rules).value(), false) << harm;
    }
}

TEST_F(HostFirewallTest, LetsNoProgramAddAPort) {
    put(all_kinds());
    EXPECT_NE(std::system("nft add element inet gatehouse_host ports '{ 23 }' 2> /dev/null"), 0);
}

TEST_F(HostFirewallTest, LeavesNothingWhenItIsRemoved) {
    put(all_kinds());
    EXPECT_EQ(firewall_->remove().value(), true);
    EXPECT_EQ(firewall_->remove().value(), false);
    EXPECT_EQ(*firewall_->text(), "");
    EXPECT_EQ(*firewall_->drops(), std::nullopt);
    EXPECT_EQ(run("nft list tables"), "table inet gatehouse\n");
}

TEST_F(HostFirewallTest, TakesAsMuchAsIsAllowedAndNothingMore) {
    HostRules rules;
    for (std::uint16_t port = 1; port <= HostRules::ports_max; ++port) {
        rules.ports.push_back(port);
    }
    for (std::uint16_t i = 0; i < HostRules::management_max; ++i) {
        rules.management_ports.push_back(static_cast<std::uint16_t>(1000 + i));
        rules.management.push_back(*core::Network::parse("10.0." + std::to_string(i) + ".0/24"));
    }
    for (std::uint16_t i = 0; i < HostRules::redirected_max; ++i) {
        rules.redirected.push_back(static_cast<std::uint16_t>(3000 + i));
    }
    rules.connections_per_source = HostRules::connections_max;
    rules.new_per_source = {HostRules::rate_max, 1};
    put(rules);
    EXPECT_EQ(firewall_->put(rules).value(), false);
    const auto refuses = [this](HostRules wrong) { return !firewall_->put(wrong) && !validate(wrong); };
    auto wrong = rules;
    wrong.ports.push_back(2000);
    EXPECT_TRUE(refuses(wrong));
    wrong = rules;
    wrong.management.push_back({});
    EXPECT_TRUE(refuses(wrong));
    wrong = rules;
    wrong.redirected.push_back(4000);
    EXPECT_TRUE(refuses(wrong));
    wrong = rules;
    wrong.management_ports.front() = 1;
    EXPECT_TRUE(refuses(wrong)) << "a port is open to all and to managers only";
    wrong = rules;
    ++wrong.connections_per_source;
    EXPECT_TRUE(refuses(wrong));
    wrong = rules;
    ++wrong.new_per_source.count;
    EXPECT_TRUE(refuses(wrong));
    wrong = rules;
    wrong.new_per_source.unit = 2;
    EXPECT_TRUE(refuses(wrong));
    wrong = rules;
    wrong.ports.front() = 0;
    EXPECT_TRUE(refuses(wrong));
}

}  // namespace
}  // namespace netfilter::test
