// When forwarding is switched on for redirects, and which packets pass the machine then. With the kernel in memory, and
// with real packets between two namespaces that are connected only through this one.
#include <array>
#include <cerrno>
#include <memory>

#include "netfilter/firewall/host_firewall.hpp"
#include "netfilter/redirect/redirect_table.hpp"
#include "netfilter/redirect/redirector.hpp"
#include "routed.hpp"
#include "tests/support/memory_kernel.hpp"

namespace netfilter::test {
namespace {

constexpr std::size_t ipv6 = 0;
constexpr std::size_t ipv4 = 1;
constexpr int silence_for_sure = 250;  // milliseconds

Redirect redirect_to(const char* listener, const char* backend) {
    Redirect made;
    made.name = Address::parse(listener)->is_v4() ? "four" : "six";
    made.listener = *Address::parse(listener);
    made.backends = {{*Address::parse(backend), 1, false, true}};
    return made;
}

Redirect chat() {
    return redirect_to("10.1.0.1:5222", "10.2.0.2:5222");
}

class ForwardingTest : public testing::Test {
protected:
    void put(const std::vector<Redirect>& redirects, Forward forward = Forward::as_needed) {
        const auto done = redirector_->put(redirects, forward);
        ASSERT_TRUE(done) << done.error().line();
    }
    void begin_anew() { redirector_.emplace(kernel_); }
    [[nodiscard]] bool is_on(std::size_t family) const { return memory_->forwarding.at(family).on; }
    bool is_guarded() {
        return kernel_.snapshot(redirect_table_name, Depth::elements)->text().find("hook forward") != std::string::npos;
    }
    void let_flow(const char* backend, std::uint64_t connections) {
        memory_->flows[{*Address::parse(backend), IPPROTO_TCP}] = Reaped{0, connections};
    }

    std::shared_ptr<Memory> memory_ = std::make_shared<Memory>();
    MemoryKernel kernel_{memory_};
    std::optional<Redirector> redirector_{std::in_place, kernel_};
};

TEST_F(ForwardingTest, IsOnOnlyWhileARedirectOfItsFamilyLeavesThisMachine) {
    put({});
    EXPECT_FALSE(is_on(ipv4) || is_on(ipv6));
    put({redirect_to("10.1.0.1:5222", "127.0.0.2:5222")});
    EXPECT_FALSE(is_on(ipv4) || is_on(ipv6) || is_guarded()) << "within this machine";
    put({chat()});
    EXPECT_TRUE(is_on(ipv4) && is_guarded());
    EXPECT_FALSE(is_on(ipv6));
    EXPECT_EQ(redirector_->forwarded(), (Forwarded{true, false, 0}));
    put({redirect_to("[fd01::1]:5222", "[fd02::2]:5222")});
    EXPECT_FALSE(is_on(ipv4));
    EXPECT_TRUE(is_on(ipv6) && is_guarded());
    put({});
    EXPECT_FALSE(is_on(ipv4) || is_on(ipv6) || is_guarded());
    EXPECT_EQ(redirector_->forwarded(), Forwarded{});
}

TEST_F(ForwardingTest, StaysOnWhereNoBackendIsEligible) {
    auto redirect = chat();
    redirect.backends[0].eligible = false;
    put({redirect});
    EXPECT_TRUE(is_on(ipv4));
}

TEST_F(ForwardingTest, GoesBackToWhatItWas) {
    for (const bool accepts : {false, true}) {
        memory_->forwarding.at(ipv4) = {false, accepts};
        put({chat()});
        EXPECT_EQ(memory_->forwarding.at(ipv4), (Forwarding{true, false}));
        put({});
        EXPECT_EQ(memory_->forwarding.at(ipv4), (Forwarding{false, accepts}));
    }
}

TEST_F(ForwardingTest, OfAMachineThatForwardedAlreadyIsLeftAloneAndUnguarded) {
    memory_->forwarding.at(ipv4) = {true, true};
    put({chat()});
    EXPECT_FALSE(is_guarded());
    EXPECT_EQ(redirector_->forwarded(), Forwarded{});
    put({});
    put({chat()}, Forward::no_more);
    EXPECT_EQ(memory_->forwarding.at(ipv4), (Forwarding{true, true}));
}

TEST_F(ForwardingTest, IsNotOnWithoutTheGuard) {
    memory_->refuse_commit = EPERM;
    EXPECT_FALSE(redirector_->put(std::vector{chat()}));
    EXPECT_FALSE(is_on(ipv4));
    put({chat()});
    EXPECT_TRUE(is_on(ipv4) && is_guarded());
    memory_->tables.clear();
    ++memory_->generation;
    put({chat()});
    EXPECT_TRUE(is_guarded()) << "another program has flushed the ruleset";
}

TEST_F(ForwardingTest, IsPutBackByTheNextProcess) {
    for (const bool accepts : {false, true}) {
        memory_->forwarding = {Forwarding{}, Forwarding{false, accepts}};
        put({chat(), redirect_to("[fd01::1]:5222", "[fd02::2]:5222")});
        begin_anew();
        put({chat()});
        EXPECT_TRUE(is_on(ipv4) && is_guarded());
        EXPECT_FALSE(is_on(ipv6));
        begin_anew();
        put({});
        EXPECT_EQ(memory_->forwarding.at(ipv4), (Forwarding{false, accepts}));
        EXPECT_FALSE(is_guarded());
    }
}

TEST_F(ForwardingTest, LastsUntilTheConnectionsFromBeforeHaveEnded) {
    put({chat()});
    let_flow("10.2.0.2:5222", 1);
    put({});
    EXPECT_TRUE(is_on(ipv4) && is_guarded());
    EXPECT_EQ(redirector_->forwarded(), (Forwarded{true, true, 0}));
    memory_->tables.clear();
    ++memory_->generation;
    put({});
    EXPECT_TRUE(is_guarded()) << "another program has flushed the ruleset";
    let_flow("10.2.0.2:5222", 0);
    put({});
    EXPECT_FALSE(is_on(ipv4) || is_guarded());
    EXPECT_EQ(redirector_->forwarded(), Forwarded{});
}

TEST_F(ForwardingTest, EndsWithGatehouseWhileTheRedirectsStay) {
    put({chat()});
    let_flow("10.2.0.2:5222", 1);
    put({chat()}, Forward::no_more);
    EXPECT_FALSE(is_on(ipv4) || is_guarded());
    EXPECT_EQ(redirector_->counts()->front().slots, 256);
    begin_anew();
    put({chat()});
    EXPECT_TRUE(is_on(ipv4) && is_guarded()) << "and comes with it again";
}

TEST_F(ForwardingTest, IsSwitchedOnAgainWhenAnotherProgramSwitchesItOff) {
    put({chat()});
    memory_->forwarding.at(ipv4) = {};
    put({chat()});
    EXPECT_TRUE(is_on(ipv4));
}

TEST_F(ForwardingTest, ThatCannotBeSwitchedIsToldAndHoldsUpNoRedirect) {
    memory_->refuse_forwarding = EROFS;
    put({chat()});
    EXPECT_EQ(redirector_->counts()->front().slots, 256);
    EXPECT_EQ(redirector_->forwarded().os_error, EROFS);
    memory_->refuse_forwarding = 0;
    put({chat()});
    EXPECT_TRUE(is_on(ipv4));
    memory_->refuse_forwarding = EROFS;
    put({});
    EXPECT_TRUE(is_guarded()) << "still on, so still guarded";
    EXPECT_EQ(redirector_->forwarded().os_error, EROFS);
}

TEST(RedirectGuard, WritesDownWhatItHasFoundAndReadsNothingElse) {
    const Found none;
    for (const Found& found : {none, Found{Forwarding{}, std::nullopt}, Found{std::nullopt, Forwarding{}},
                               Found{Forwarding{}, Forwarding{false, true}}}) {
        EXPECT_EQ(found_in(redirect_comment(found)), found) << redirect_comment(found);
    }
    for (const char* other : {"", "gatehouse schema=2 ipv4=off", "gatehouse schema=1 ipv4=on", "ipv4=off"}) {
        EXPECT_EQ(found_in(other), none) << other;
    }
}

// A client and a server, each with a route back through this machine; the server listens on two ports.
class RouterTest : public Kernel {
protected:
    void SetUp() override {
        Kernel::SetUp();
        if (!manager_) {
            return;
        }
        routed_.emplace();
        redirector_.emplace(manager_->kernel());
        firewall_.emplace(manager_->kernel());
        for (const char* host : {"10.2.0.2", "fd02::2"}) {
            open_.push_back(routed_->in_backend([host] { return Listener(host); }));
            hidden_.push_back(routed_->in_backend([host] { return Listener(host); }));
        }
        for (const auto& hidden : hidden_) {
            for (int tries = 0; reach(hidden.address()) != 0 && tries < 20; ++tries) {
            }
            ASSERT_EQ(reach(hidden.address()), 0) << "while this machine is a router";
        }
    }
    // From the client; ETIMEDOUT where the packet was dropped.
    int reach(const Address& to) {
        return routed_->in_client([&to] { return connect_error(to, 0, silence_for_sure); });
    }
    void forward(bool on) {
        run(fmt::format("sysctl -qw net.ipv4.ip_forward={0} net.ipv6.conf.all.forwarding={0}", on ? 1 : 0));
    }
    static std::string switches() {
        return run("sysctl -n net.ipv4.ip_forward net.ipv6.conf.all.forwarding net.ipv4.conf.all.accept_redirects");
    }
    std::vector<Redirect> redirects() {
        std::vector<Redirect> all{redirect_to("10.1.0.1:5222", "10.2.0.2:1"),
                                  redirect_to("[fd01::1]:5222", "[fd02::2]:1")};
        all[0].backends[0].address = open_[0].address();
        all[1].backends[0].address = open_[1].address();
        return all;
    }
    void put(const std::vector<Redirect>& redirects) {
        const auto done = redirector_->put(redirects);
        ASSERT_TRUE(done) << done.error().line();
    }
    void put_firewall(std::vector<std::uint16_t> redirected) {
        HostRules rules;
        rules.redirected = std::move(redirected);
        const auto done = firewall_->put(rules);
        ASSERT_TRUE(done) << done.error().line();
    }
    // A connection through a redirect, in both directions.
    void expect_served() {
        for (std::size_t i = 0; i < open_.size(); ++i) {
            const auto made = routed_->in_client([&] { return attempt(redirects()[i].listener); });
            ASSERT_EQ(made.os_error, 0);
            const auto server = open_[i].accept();
            ASSERT_EQ(send(made.descriptor.get(), "ask", 3, 0), 3);
            std::array<char, 8> text{};
            EXPECT_EQ(recv(server.get(), text.data(), text.size(), 0), 3);
            ASSERT_EQ(send(server.get(), "answer", 6, 0), 6);
            pollfd waited{made.descriptor.get(), POLLIN, 0};
            ASSERT_EQ(poll(&waited, 1, 3000), 1);
            EXPECT_EQ(recv(made.descriptor.get(), text.data(), text.size(), 0), 6);
        }
    }
    void expect_hidden() {
        for (const auto& hidden : hidden_) {
            EXPECT_EQ(reach(hidden.address()), ETIMEDOUT) << hidden.address().text();
        }
        for (const auto& open : open_) {
            EXPECT_EQ(reach(open.address()), ETIMEDOUT) << "past the redirect, to " << open.address().text();
        }
    }

    std::optional<Routed> routed_;
    std::optional<Redirector> redirector_;
    std::optional<HostFirewall> firewall_;
    std::vector<Listener> open_;
    std::vector<Listener> hidden_;
};

TEST_F(RouterTest, UnderTheFirewallPassesOnNothingButWhatWasRedirected) {
    put_firewall({});
    expect_hidden();
    put(redirects());
    EXPECT_EQ(reach(redirects()[0].listener), ETIMEDOUT) << "the firewall knows of no redirect";
    put_firewall({5222});
    expect_served();
    expect_hidden();
    put({});
    expect_hidden();
}

TEST_F(RouterTest, UnderTheFirewallLetsAnEstablishedConnectionGoOnWhenItsRedirectHasGone) {
    put_firewall({5222});
    put(redirects());
    const auto made = routed_->in_client([&] { return attempt(redirects()[0].listener); });
    ASSERT_EQ(made.os_error, 0);
    const auto server = open_[0].accept();
    put({});
    put_firewall({});
    ASSERT_EQ(send(made.descriptor.get(), "ask", 3, 0), 3);
    pollfd waited{server.get(), POLLIN, 0};
    EXPECT_EQ(poll(&waited, 1, 3000), 1);
}

TEST_F(RouterTest, UnderTheFirewallPassesOnNothingThatAnotherProgramTranslates) {
    put_firewall({5222});
    put(redirects());
    run(
        fmt::format("nft 'add table ip other; add chain ip other pre {{ type nat hook prerouting priority -110; }}; "
                    "add rule ip other pre tcp dport 7777 dnat to {}'",
                    hidden_[0].address().text()));
    EXPECT_EQ(reach(*Address::parse("10.1.0.1:7777")), ETIMEDOUT);
    expect_served();
}

TEST_F(RouterTest, WithoutAFirewallForwardsForRedirectsAloneAndStopsWithThem) {
    forward(false);
    const std::string before = switches();
    put(redirects());
    EXPECT_EQ(switches(), "1\n1\n0\n");
    expect_served();
    const auto counts = redirector_->counts();
    for (const auto& count : *counts) {
        EXPECT_EQ(count.connections, 1U) << "the guard counts nothing";
    }
    expect_hidden();
    put({});
    EXPECT_EQ(switches(), before);
    expect_hidden();
}

TEST_F(RouterTest, GuardsNotWhatWasForwardedBefore) {
    run("sysctl -qw net.ipv4.ip_forward=0");
    put(redirects());
    expect_served();
    EXPECT_EQ(reach(hidden_[0].address()), ETIMEDOUT);
    EXPECT_EQ(reach(hidden_[1].address()), 0) << "IPv6 was forwarded before";
    put({});
    EXPECT_EQ(run("sysctl -n net.ipv4.ip_forward net.ipv6.conf.all.forwarding"), "0\n1\n");
}

TEST_F(RouterTest, StopsOnlyWhenTheLastConnectionHasEnded) {
    forward(false);
    put(redirects());
    {
        const auto made = routed_->in_client([&] { return attempt(redirects()[0].listener); });
        ASSERT_EQ(made.os_error, 0);
        const auto server = open_[0].accept();
        put({});
        EXPECT_EQ(switches(), "1\n0\n0\n") << "IPv6 has no connection left";
        expect_hidden();
        ASSERT_EQ(send(made.descriptor.get(), "ask", 3, 0), 3);
        pollfd waited{server.get(), POLLIN, 0};
        EXPECT_EQ(poll(&waited, 1, 3000), 1);
        const linger reset{1, 0};
        setsockopt(server.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    }
    for (int tries = 0; tries < 100 && switches()[0] == '1'; ++tries) {
        put({});
        usleep(50'000);
    }
    EXPECT_EQ(switches()[0], '0');
}

TEST_F(RouterTest, PrintsTheGuardAsNftDoesAndReadsItBack) {
    forward(false);
    put(redirects());
    const auto printed = run("nft list table inet gatehouse_redirect");
    EXPECT_EQ(in_any_layout(*redirector_->text()), in_any_layout(printed));
    EXPECT_NE(printed.find("hook forward"), std::string::npos);
    Redirector next(manager_->kernel());
    const auto generation = *manager_->kernel().generation();
    ASSERT_TRUE(next.put(redirects()));
    EXPECT_EQ(*manager_->kernel().generation(), generation) << "a new fence process takes the table over";
    run("nft list table inet gatehouse_redirect > /tmp/guard-$$.nft; nft delete table inet gatehouse_redirect; "
        "nft -f /tmp/guard-$$.nft; rm /tmp/guard-$$.nft");
    EXPECT_EQ(run("nft list table inet gatehouse_redirect"), printed);
}

}  // namespace
}  // namespace netfilter::test
