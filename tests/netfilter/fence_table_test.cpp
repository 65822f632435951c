// The table around the fences: made, adopted, repaired, printed.
#include "netfilter/fence/fence_table.hpp"

#include <set>

#include "kernel.hpp"

namespace netfilter::test {
namespace {

using FenceTableTest = Kernel;

// The ruleset without values that differ between two tables of the same content.
nlohmann::json comparable(const std::string& list) {
    auto all = nlohmann::json::parse(run("nft -j " + list))["nftables"];
    for (auto& each : all) {
        for (auto& object : each) {
            object.erase("handle");
        }
    }
    return all;
}

TEST_F(FenceTableTest, IsMadeAsNftWouldMakeIt) {
    std::set<std::string> maps;
    std::set<std::string> chains;
    for (const auto& map : nft_objects("map")) {
        maps.insert(map["name"]);
        EXPECT_EQ(map["map"], "verdict");
        EXPECT_EQ(map["flags"], nlohmann::json::parse(R"(["timeout"])"));
    }
    for (const auto& chain : nft_objects("chain")) {
        chains.insert(chain["name"]);
        EXPECT_EQ(chain.value("prio", -5), -5);
    }
    EXPECT_EQ(maps, (std::set<std::string>{"all4", "all6", "new4", "new6"}));
    EXPECT_EQ(chains, (std::set<std::string>{"deny-icmp", "deny-reset", "fence", "forward", "output"}));
    EXPECT_EQ(nft_objects("rule").size(), fence_table().rules.size());
}

TEST_F(FenceTableTest, PrintsExactlyAsNftLists) {
    auto fence = make_fence(*Address::parse("10.0.0.1:80"));
    apply({fence});
    fence.backend = *Address::parse("[fd00::1]:443");
    fence.mode = Mode::icmp;
    apply({fence});
    EXPECT_EQ(manager_->rules_text().value(), run("nft list table inet gatehouse"));
}

TEST_F(FenceTableTest, OurTextMakesTheSameTableThroughNft) {
    auto timed = make_fence(*Address::parse("10.0.0.1:80"));
    timed.until = timed.since + std::chrono::hours(1);
    timed.why = std::string(200, '"');
    apply({timed, make_fence(*Address::parse("[fd00::1]:443"))});
    const auto before = manager_->list().value();
    const auto structure = comparable("-t list ruleset");
    std::ofstream("/tmp/gatehouse_roundtrip.nft") << manager_->rules_text().value();
    run("nft flush ruleset");
    run("nft -f /tmp/gatehouse_roundtrip.nft");
    EXPECT_EQ(comparable("-t list ruleset"), structure);
    EXPECT_EQ(manager_->list().value(), before);
    EXPECT_FALSE(manager_->repair().value().any()) << "what nft made of our text should be right";
    unlink("/tmp/gatehouse_roundtrip.nft");
}

TEST_F(FenceTableTest, NftsOwnListingMakesTheSameTable) {
    apply({make_fence(*Address::parse("10.0.0.1:80"))});
    const auto before = run("nft list ruleset");
    run("nft list ruleset > /tmp/gatehouse_list.nft && nft flush ruleset && nft -f /tmp/gatehouse_list.nft");
    EXPECT_EQ(run("nft list ruleset"), before);
    unlink("/tmp/gatehouse_list.nft");
}

TEST_F(FenceTableTest, IsAdoptedWithItsFencesAfterARestart) {
    const Listener backend("127.0.0.1");
    apply({make_fence(backend.address())});
    EXPECT_EQ(connect_error(backend.address()), ECONNREFUSED);
    const auto before = run("nft -a -j list ruleset");
    manager_.reset();
    EXPECT_EQ(connect_error(backend.address()), ECONNREFUSED);
    const auto between = run("nft -a -j list ruleset");
    manager_.emplace(std::move(*FenceManager::open()));
    EXPECT_EQ(run("nft -a -j list ruleset"), between);
    ASSERT_EQ(list().size(), 1U);
    EXPECT_EQ(list()[0].who, "ann");
    EXPECT_EQ(list()[0].packets, 2U);
}

TEST_F(FenceTableTest, IsMadeAgainAfterAForeignFlush) {
    const Listener backend("127.0.0.1");
    apply({make_fence(backend.address())});
    run("nft flush ruleset");
    EXPECT_TRUE(list().empty());
    EXPECT_EQ(manager_->rules_text().value(), "");
    EXPECT_EQ(connect_error(backend.address()), 0);
    apply({make_fence(backend.address())});
    EXPECT_EQ(connect_error(backend.address()), ECONNREFUSED);
    EXPECT_EQ(nft_objects("rule").size(), fence_table().rules.size());
}

// Each line is a manual change to our table, by an administrator or a program.
class TableChangedByHand : public Kernel, public testing::WithParamInterface<const char*> {};
INSTANTIATE_TEST_SUITE_P(All, TableChangedByHand,
                         testing::Values("insert rule inet gatehouse fence accept",
                                         "add rule inet gatehouse output counter", "flush chain inet gatehouse fence",
                                         "flush chain inet gatehouse output", "delete chain inet gatehouse forward",
                                         "add chain inet gatehouse more",
                                         "add set inet gatehouse more '{ type ipv4_addr; }'",
                                         "add table inet gatehouse '{ flags dormant; }'"));

TEST_P(TableChangedByHand, IsPutRightWithoutLosingAFence) {
    const Listener backend("127.0.0.1");
    auto fence = make_fence(backend.address());
    fence.until = fence.since + std::chrono::hours(1);
    apply({fence});
    EXPECT_EQ(connect_error(backend.address()), ECONNREFUSED);
    run(std::string("nft ") + GetParam());
    apply({make_fence(*Address::parse("10.0.0.1:80"))});
    EXPECT_EQ(connect_error(backend.address()), ECONNREFUSED);
    const auto found = list();
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[1].until, fence.until);
    EXPECT_EQ(found[1].packets, 2U);
    EXPECT_EQ(nft_objects("rule").size(), fence_table().rules.size());
    EXPECT_FALSE(manager_->repair().value().any());
}

TEST_F(FenceTableTest, OthersTablesAreNotTouched) {
    run("nft add table inet other; nft add chain inet other input '{ type filter hook input priority 0; }'");
    const auto before = run("nft list table inet other");
    apply({make_fence(*Address::parse("10.0.0.1:80"))});
    run("nft flush table inet gatehouse");
    apply({make_fence(*Address::parse("10.0.0.2:80"))});
    ASSERT_TRUE(manager_->remove_table());
    EXPECT_EQ(run("nft list table inet other"), before);
    EXPECT_EQ(nft_objects("table").size(), 1U);
}

TEST_F(FenceTableTest, NamesTheMissingPrivilege) {
    manager_.reset();
    // In a child, because a dropped capability does not come back.
    EXPECT_EXIT(
        {
            if (setresuid(65534, 65534, 65534) != 0) {
                _exit(2);
            }
            const auto opened = FenceManager::open();
            const bool named = !opened && opened.error().line().find("CAP_NET_ADMIN") != std::string::npos;
            _exit(named ? 0 : 1);
        },
        testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace netfilter::test
