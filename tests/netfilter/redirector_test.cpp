#include "netfilter/redirect/redirector.hpp"

#include <array>
#include <cstring>
#include <set>

#include "netfilter/redirect/redirect_table.hpp"
#include "tests/netfilter/kernel.hpp"

namespace netfilter::test {
namespace {

Redirect make_redirect(const char* listener, const std::vector<Listener>& servers) {
    Redirect redirect;
    redirect.name = "chat";
    redirect.listener = *Address::parse(listener);
    for (const auto& server : servers) {
        redirect.backends.push_back({server.address(), 1, false, true});
    }
    return redirect;
}

class RedirectorTest : public Kernel {
protected:
    void put(const std::vector<Redirect>& redirects) {
        const auto done = redirector().put(redirects);
        ASSERT_TRUE(done) << done.error().line();
    }
    Redirector& redirector() {
        if (!redirector_) {
            redirector_.emplace(manager_->kernel());
        }
        return *redirector_;
    }
    // How many of `count` new connections each server got; -1 as the second number where one failed.
    std::vector<int> connect_often(const Redirect& redirect, std::vector<Listener>& servers, int count) {
        std::vector<int> got(servers.size(), 0);
        for (int i = 0; i < count; ++i) {
            const auto made = attempt(redirect.listener);
            if (made.os_error != 0) {
                ADD_FAILURE() << strerror(made.os_error);
                return got;
            }
            for (std::size_t j = 0; j < servers.size(); ++j) {
                pollfd waited{servers[j].descriptor(), POLLIN, 0};
                if (poll(&waited, 1, 0) == 1) {
                    static_cast<void>(servers[j].accept());
                    ++got[j];
                }
            }
        }
        return got;
    }

    std::optional<Redirector> redirector_;
};

std::vector<Listener> make_servers(std::initializer_list<const char*> hosts) {
    std::vector<Listener> servers;
    for (const char* host : hosts) {
        servers.emplace_back(host);
    }
    return servers;
}

TEST_F(RedirectorTest, SharesNewConnectionsOutByWeight) {
    auto servers = make_servers({"127.0.0.2", "127.0.0.3"});
    auto redirect = make_redirect("127.0.0.1:5222", servers);
    redirect.backends[0].weight = 3;
    put({redirect});
    EXPECT_EQ(connect_often(redirect, servers, 40), (std::vector{30, 10}));
    const auto counts = redirector().counts();
    ASSERT_TRUE(counts) << counts.error().line();
    ASSERT_EQ(counts->size(), 2U);
    EXPECT_EQ((*counts)[0].slots, 192);
    EXPECT_EQ((*counts)[0].connections, 30U);
    EXPECT_EQ((*counts)[1].connections, 10U);
}

TEST_F(RedirectorTest, SendsAClientToTheSameBackendByItsSource) {
    auto servers = make_servers({"127.0.0.2", "127.0.0.3", "127.0.0.4"});
    auto redirect = make_redirect("127.0.0.1:5222", servers);
    redirect.spread = Spread::source;
    put({redirect});
    auto got = connect_often(redirect, servers, 12);
    EXPECT_EQ(*std::max_element(got.begin(), got.end()), 12);
}

TEST_F(RedirectorTest, ListensOnEveryAddressWhereToldSo) {
    auto servers = make_servers({"127.0.0.2"});
    auto redirect = make_redirect("0.0.0.0:5222", servers);
    redirect.spread = Spread::random;
    put({redirect});
    EXPECT_EQ(connect_error(*Address::parse("127.0.0.77:5222")), 0);
}

TEST_F(RedirectorTest, WorksWithIpv6) {
    auto servers = make_servers({"::1"});
    for (const char* listener : {"[::1]:5222", "[::]:5222"}) {
        for (const auto spread : {Spread::in_turn, Spread::source}) {
            auto redirect = make_redirect(listener, servers);
            redirect.spread = spread;
            put({redirect});
            EXPECT_EQ(connect_error(*Address::parse("[::1]:5222")), 0) << listener;
        }
    }
}

TEST_F(RedirectorTest, TakesABackendAwayWithoutTouchingARuleOrAnEstablishedConnection) {
    auto servers = make_servers({"127.0.0.2", "127.0.0.3"});
    auto redirect = make_redirect("127.0.0.1:5222", servers);
    put({redirect});
    const auto first = attempt(redirect.listener);
    ASSERT_EQ(first.os_error, 0);
    pollfd waited{servers[0].descriptor(), POLLIN, 0};
    const std::size_t its = poll(&waited, 1, 0) == 1 ? 0 : 1;
    const auto server_end = servers[its].accept();
    const auto rules = nft_objects("rule");

    redirect.backends[its].eligible = false;
    put({redirect});
    EXPECT_EQ(nft_objects("rule"), rules) << "handles and all";
    auto got = connect_often(redirect, servers, 10);
    EXPECT_EQ(got[its], 0);
    EXPECT_EQ(got[1 - its], 10);
    ASSERT_EQ(send(first.descriptor.get(), "hello", 5, 0), 5);
    std::array<char, 8> text{};
    EXPECT_EQ(recv(server_end.get(), text.data(), text.size(), 0), 5) << "what is established goes on";
}

TEST_F(RedirectorTest, ResetsNewConnectionsAtOnceWhenNoBackendIsLeft) {
    auto servers = make_servers({"127.0.0.2"});
    auto redirect = make_redirect("127.0.0.1:5222", servers);
    redirect.backends[0].eligible = false;
    put({redirect});
    // Another program's firewall would drop packets for an address without a socket.
    run("nft add table inet other; nft add chain inet other input '{ type filter hook input priority 0; policy drop; }'"
        "; nft add rule inet other input ct state established accept; nft add rule inet other input tcp flags rst "
        "accept");
    const auto begun = std::chrono::steady_clock::now();
    EXPECT_EQ(connect_error(redirect.listener), ECONNREFUSED);
    EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::milliseconds(200));
}

TEST_F(RedirectorTest, LetsProbesThroughToABackendOnTheListenersOwnAddress) {
    auto servers = make_servers({"127.0.0.2"});
    auto redirect = make_redirect("127.0.0.1:5222", servers);
    redirect.backends[0].eligible = false;
    put({redirect});
    EXPECT_EQ(connect_error(servers[0].address(), probe_mark), 0);
}

TEST_F(RedirectorTest, PrintsWhatNftPrintsAndNftReadsItBack) {
    for (const auto spread : {Spread::in_turn, Spread::random, Spread::source}) {
        Redirect any{"any", *Address::parse("0.0.0.0:5223"), spread, true, {}};
        Redirect six{"six.x", *Address::parse("[fd00::9]:5222"), spread, false, {}};
        Redirect every{"every", *Address::parse("[::]:5224"), spread, true, {}};
        Redirect four{"4", *Address::parse("10.0.0.9:5222"), spread, true, {}};
        any.backends = {{*Address::parse("10.0.0.1:80"), 1, false, true},
                        {*Address::parse("10.0.0.2:80"), 1, false, true}};
        four.backends = any.backends;
        six.backends = {{*Address::parse("[fd00::1]:80"), 1, false, true}};
        every.backends = six.backends;
        put({any, six, every, four});
        const auto printed = run("nft list table inet gatehouse_redirect");
        const auto text = redirector().text();
        ASSERT_TRUE(text);
        EXPECT_EQ(in_any_layout(*text), in_any_layout(printed));
        run("nft list table inet gatehouse_redirect > /tmp/redirector_test.nft; nft delete table inet "
            "gatehouse_redirect; nft -f /tmp/redirector_test.nft; rm /tmp/redirector_test.nft");
        EXPECT_EQ(run("nft list table inet gatehouse_redirect"), printed);
        const auto again = redirector().put(std::vector{any, six, every, four});
        ASSERT_TRUE(again);
        EXPECT_EQ(*again, Before::wanted)
            << "the same structure, from either writer:\n"
            << difference(*manager_->kernel().snapshot(redirect_table_name, Depth::elements),
                          redirect_table(std::vector{any, six, every, four}))
                   .text()
                   .substr(0, 4000);
    }
}

TEST_F(RedirectorTest, PutsRightWhatAnotherProgramChanged) {
    auto servers = make_servers({"127.0.0.2"});
    const auto redirect = make_redirect("127.0.0.1:5222", servers);
    put({redirect});
    EXPECT_EQ(connect_often(redirect, servers, 3), (std::vector{3}));
    for (const char* change :
         {"flush map inet gatehouse_redirect slots-chat", "flush chain inet gatehouse_redirect balance",
          "delete element inet gatehouse_redirect slots-chat '{ 7 }'"}) {
        run(std::string("nft ") + change);
        put({redirect});
        EXPECT_EQ(connect_often(redirect, servers, 1), (std::vector{1})) << change;
        EXPECT_EQ(redirector().counts()->front().slots, 256) << change;
    }
    EXPECT_EQ(redirector().counts()->front().connections, 6U) << "counts outlive a repair";
    run("nft flush ruleset");
    put({redirect});
    EXPECT_EQ(connect_error(redirect.listener), 0);
}

TEST_F(RedirectorTest, TellsAForeignChangeFromItsOwnAlsoWhereTheyCoincide) {
    auto servers = make_servers({"127.0.0.2", "127.0.0.3"});
    auto redirect = make_redirect("127.0.0.1:5222", servers);
    EXPECT_EQ(redirector().put(std::vector{redirect}).value(), Before::unknown) << "there was no table";
    redirect.backends[0].eligible = false;
    EXPECT_EQ(redirector().put(std::vector{redirect}).value(), Before::made);
    run("nft flush map inet gatehouse_redirect slots-chat");
    redirect.backends[0].eligible = true;
    EXPECT_EQ(redirector().put(std::vector{redirect}).value(), Before::foreign);
    run("nft add table inet other");
    EXPECT_EQ(redirector().put(std::vector{redirect}).value(), Before::wanted) << "another table is none of ours";
    run("nft delete table inet gatehouse_redirect");
    EXPECT_EQ(redirector().put({}).value(), Before::foreign) << "it is what is wanted, and another program did it";
    redirector_.emplace(manager_->kernel());
    put({redirect});
    redirector_.emplace(manager_->kernel());
    redirect.backends[1].eligible = false;
    EXPECT_EQ(redirector().put(std::vector{redirect}).value(), Before::unknown) << "an earlier process made it";
}

TEST_F(RedirectorTest, AsksOnlyForTheGenerationWhenNothingHasChanged) {
    auto servers = make_servers({"127.0.0.2"});
    const auto redirect = make_redirect("127.0.0.1:5222", servers);
    put({redirect});
    const auto before = manager_->kernel().generation();
    const auto again = redirector().put(std::vector{redirect});
    ASSERT_TRUE(again);
    EXPECT_EQ(*again, Before::wanted);
    EXPECT_EQ(*manager_->kernel().generation(), *before);
}

TEST_F(RedirectorTest, MakesNoTableWhereNothingIsRedirected) {
    put({});
    EXPECT_EQ(run("nft list tables"), "table inet gatehouse\n");
}

TEST_F(RedirectorTest, LetsAnEstablishedConnectionGoOnWhenNothingIsRedirectedAnyMore) {
    auto servers = make_servers({"127.0.0.2"});
    const auto redirect = make_redirect("127.0.0.1:5222", servers);
    put({redirect});
    const auto first = attempt(redirect.listener);
    ASSERT_EQ(first.os_error, 0);
    const auto server_end = servers[0].accept();
    put({});
    EXPECT_EQ(connect_error(redirect.listener), ECONNREFUSED);
    ASSERT_EQ(send(first.descriptor.get(), "hello", 5, 0), 5);
    std::array<char, 8> text{};
    EXPECT_EQ(recv(server_end.get(), text.data(), text.size(), 0), 5);
}

TEST_F(RedirectorTest, CountsTheConnectionsThatAreRedirectedAndNotEnded) {
    auto servers = make_servers({"127.0.0.2"});
    const auto redirect = make_redirect("127.0.0.1:5222", servers);
    put({redirect});
    const Destination backend{servers[0].address()};
    std::vector<Attempt> open;
    for (std::uint64_t i = 0; i < 3; ++i) {
        EXPECT_EQ(manager_->kernel().count_redirected(backend), i);
        open.push_back(attempt(redirect.listener));
    }
    open.push_back(attempt(servers[0].address()));
    EXPECT_EQ(manager_->kernel().count_redirected(backend), 3U) << "a direct connection is not redirected";
}

TEST_F(RedirectorTest, ReplacesTheWholeTableWithoutEndingAnEstablishedConnection) {
    auto servers = make_servers({"127.0.0.2"});
    auto redirect = make_redirect("127.0.0.1:5222", servers);
    put({redirect});
    const auto first = attempt(redirect.listener);
    ASSERT_EQ(first.os_error, 0);
    const auto server_end = servers[0].accept();
    auto other = make_redirect("127.0.0.1:5223", servers);
    other.name = "other";
    put({redirect, other});
    ASSERT_EQ(send(first.descriptor.get(), "hello", 5, 0), 5);
    std::array<char, 8> text{};
    EXPECT_EQ(recv(server_end.get(), text.data(), text.size(), 0), 5);
    EXPECT_EQ(redirector().counts()->front().connections, 1U);
}

}  // namespace
}  // namespace netfilter::test
