// A transaction's result in the real kernel, and the result for a broken answer.
#include "netfilter/nft/commit.hpp"

#include <linux/netlink.h>

#include <atomic>
#include <cstring>
#include <thread>

#include "kernel.hpp"
#include "netfilter/fence/fence_table.hpp"
#include "netfilter/nft/snapshot.hpp"

namespace netfilter::test {
namespace {

class CommitTest : public Kernel {
protected:
    void SetUp() override {
        Kernel::SetUp();
        if (IsSkipped() || HasFatalFailure()) {
            return;
        }
        auto socket = Socket::open();
        ASSERT_TRUE(socket);
        socket_.emplace(std::move(*socket));
        const auto capabilities = Capabilities::probe(*socket_);
        ASSERT_TRUE(capabilities) << capabilities.error().line();
        capabilities_ = *capabilities;
    }

    static Transaction add(std::vector<Fence> fences) {
        Transaction transaction{std::string(fence_table_name)};
        AddElements elements{map_of(fences.front().backend, Scope::fresh), {}};
        for (const auto& fence : fences) {
            elements.elements.push_back(to_element(fence, {}, fence.since));
        }
        transaction.add(std::move(elements));
        return transaction;
    }

    std::optional<Socket> socket_;
    Capabilities capabilities_;
};

TEST_F(CommitTest, DoesAllOrNothingAndNamesTheElementInTheWay) {
    apply({make_fence(*Address::parse("10.0.0.2:80"))});
    const auto transaction =
        add({make_fence(*Address::parse("10.0.0.1:80")), make_fence(*Address::parse("10.0.0.2:80")),
             make_fence(*Address::parse("10.0.0.3:80"))});
    const auto result = commit(*socket_, transaction, capabilities_);
    EXPECT_EQ(result.outcome, Outcome::rejected);
    EXPECT_EQ(result.os_error, EEXIST);
    EXPECT_NE(result.operation.find("{ 10.0.0.2 . tcp . 80"), std::string::npos) << result.operation;
    EXPECT_EQ(result.operation.find("10.0.0.1"), std::string::npos) << result.operation;
    EXPECT_EQ(list().size(), 1U);
}

TEST_F(CommitTest, RefusesAVerdictThatTheKernelRefusesAndChangesNothing) {
    auto transaction = add({make_fence(*Address::parse("10.0.0.1:80"))});
    Element bad;
    bad.key = key_of(*Address::parse("10.0.0.2:80"), IPPROTO_TCP);
    bad.verdict = {Verdict::Code::go_to, "nowhere"};
    transaction.add(AddElements{map_of(*Address::parse("10.0.0.2:80"), Scope::fresh), {bad}});
    const auto result = commit(*socket_, transaction, capabilities_);
    EXPECT_EQ(result.outcome, Outcome::rejected);
    EXPECT_EQ(result.os_error, ENOENT);
    EXPECT_TRUE(list().empty());
}

TEST_F(CommitTest, IsStaleWhenTheRulesetChangedInBetween) {
    const auto generation = read_generation(*socket_).value();
    run("nft add table inet other");
    const auto transaction = add({make_fence(*Address::parse("10.0.0.1:80"))});
    EXPECT_EQ(commit(*socket_, transaction, capabilities_, generation).outcome, Outcome::stale);
    EXPECT_TRUE(list().empty());
    EXPECT_EQ(commit(*socket_, transaction, capabilities_, read_generation(*socket_).value()).outcome,
              Outcome::committed);
    EXPECT_EQ(list().size(), 1U);
}

TEST_F(CommitTest, IsProvenOnOlderKernelsToo) {
    const auto transaction = add({make_fence(*Address::parse("10.0.0.1:80"))});
    EXPECT_EQ(commit(*socket_, transaction, Capabilities{}).outcome, Outcome::committed);
    EXPECT_EQ(list().size(), 1U);
    Transaction removal{std::string(fence_table_name)};
    removal.add(RemoveElements{fence_table().maps[0], {key_of(*Address::parse("10.0.0.1:80"), IPPROTO_TCP)}});
    EXPECT_EQ(commit(*socket_, removal, Capabilities{}).outcome, Outcome::committed);
    EXPECT_EQ(commit(*socket_, removal, Capabilities{}).os_error, ENOENT);
}

TEST_F(CommitTest, RemovingWhatIsNotThereIsNoErrorWhereTheKernelCan) {
    if (!capabilities_.destroy) {
        GTEST_SKIP() << "needs Linux 6.3 (NFT_MSG_DESTROYSETELEM)";
    }
    Transaction removal{std::string(fence_table_name)};
    removal.add(RemoveElements{fence_table().maps[0], {key_of(*Address::parse("10.0.0.1:80"), IPPROTO_TCP)}});
    EXPECT_EQ(commit(*socket_, removal, capabilities_).outcome, Outcome::committed);
}

TEST_F(CommitTest, CheckTellsWhatWouldHappenAndDoesNothing) {
    const auto before = run("nft -j list ruleset");
    const auto good = add({make_fence(*Address::parse("10.0.0.1:80"))});
    EXPECT_EQ(check(*socket_, good, capabilities_).outcome, Outcome::committed);
    EXPECT_EQ(run("nft -j list ruleset"), before);
    apply({make_fence(*Address::parse("10.0.0.1:80"))});
    EXPECT_EQ(check(*socket_, good, capabilities_).os_error, EEXIST);
}

TEST_F(CommitTest, ATransactionLargerThanTheBufferIsRefusedWhole) {
    std::vector<Fence> fences;
    for (std::uint16_t port = 1; port <= 2000; ++port) {
        fences.push_back(make_fence(Address::parse("10.0.0.1:1")->with_port(port)));
    }
    socket_->limit_send(16'384);
    const auto result = commit(*socket_, add(fences), capabilities_);
    EXPECT_EQ(result.outcome, Outcome::rejected);
    EXPECT_EQ(result.os_error, EMSGSIZE);
    EXPECT_TRUE(list().empty());
}

TEST_F(CommitTest, AHundredThousandFencesGoInOneTransactionAndOneMoreIsRefused) {
    std::vector<Change> changes;
    for (std::uint32_t i = 0; i <= FenceManager::changes_max; ++i) {
        const auto host = "10.1." + std::to_string(i >> 8 & 255) + "." + std::to_string(i & 255);
        changes.emplace_back(make_fence(*Address::parse_host(host, static_cast<std::uint16_t>(80 + (i >> 16)))));
    }
    const auto refused = manager_->apply(changes);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().line().find("100000"), std::string::npos) << refused.error().line();
    EXPECT_TRUE(list().empty());
    changes.pop_back();
    const auto before = read_generation(*socket_).value();
    apply(changes);
    EXPECT_EQ(read_generation(*socket_).value(), before + 1);
    EXPECT_EQ(list().size(), FenceManager::changes_max);
}

TEST_F(CommitTest, SnapshotsAreOfOneMomentWhileTheRulesetChanges) {
    constexpr std::uint16_t present = 2000;
    std::vector<Change> changes;
    for (std::uint16_t port = 1; port <= present; ++port) {
        changes.emplace_back(make_fence(Address::parse("10.0.0.1:1")->with_port(port)));
    }
    apply(changes);
    auto other = FenceManager::open();
    ASSERT_TRUE(other);
    constexpr int reads = 40;
    std::atomic<int> begun = 0;
    // Every transaction moves one fence to another port, so the number of fences never changes. Only a few for each
    // read, so that a read can finish.
    std::thread mover([&] {
        std::uint16_t port = 1;
        for (int read = 0; read < reads; ++read) {
            begun.wait(read);
            for (int i = 0; i < 4; ++i, ++port) {
                const auto from = Address::parse("10.0.0.1:1")->with_port(port);
                const auto moved = make_fence(from.with_port(static_cast<std::uint16_t>(port + 10'000)));
                EXPECT_TRUE(other->apply(std::vector<Change>{Unfence{from}, moved}));
            }
        }
    });
    for (int read = 0; read < reads; ++read) {
        begun = read + 1;
        begun.notify_one();
        EXPECT_EQ(list().size(), present);
    }
    mover.join();
}

TEST(Judge, DoesNotTakeSilenceForSuccess) {
    Transaction transaction("gatehouse");
    transaction.add(AddTable{{"gatehouse", "", 0}});
    const auto batch = encode(transaction, {.end_ack = true});
    EXPECT_EQ(judge(transaction, batch, Replies{}).outcome, Outcome::unknown);
    EXPECT_EQ(judge(transaction, batch, Replies{{}, true}).outcome, Outcome::unknown);
}

TEST(ReadAck, SurvivesEveryTruncation) {
    std::vector<std::byte> bytes(sizeof(nlmsghdr) + sizeof(nlmsgerr) + 8 + 12);
    nlmsghdr header{static_cast<std::uint32_t>(bytes.size()), NLMSG_ERROR, NLM_F_ACK_TLVS | NLM_F_CAPPED, 7, 0};
    nlmsgerr body{-EEXIST, {}};
    const nlattr offset{8, NLMSGERR_ATTR_OFFS};
    const nlattr text{11, NLMSGERR_ATTR_MSG};
    const std::uint32_t place = 42;
    auto* at = bytes.data();
    std::memcpy(at, &header, sizeof header);
    std::memcpy(at += sizeof header, &body, sizeof body);
    std::memcpy(at += sizeof body, &offset, sizeof offset);
    std::memcpy(at += sizeof offset, &place, sizeof place);
    std::memcpy(at += sizeof place, &text, sizeof text);
    std::memcpy(at + sizeof text, "broken", 7);
    const Message whole{NLMSG_ERROR, header.nlmsg_flags, 7, bytes};
    EXPECT_EQ(read_ack(whole)->os_error, EEXIST);
    EXPECT_EQ(read_ack(whole)->offset, 42U);
    EXPECT_EQ(read_ack(whole)->text, "broken");
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        const std::vector<std::byte> cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
        const auto ack = read_ack({NLMSG_ERROR, header.nlmsg_flags, 7, cut});
        EXPECT_EQ(ack.has_value(), size >= sizeof header + sizeof body);
        EXPECT_LE(Replies{cut}.messages().size(), 0U);
    }
}

}  // namespace
}  // namespace netfilter::test
