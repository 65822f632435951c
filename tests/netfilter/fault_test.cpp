// Faults between us and the kernel, each provoked: lost answers, elements that expire, a foreign table, a kernel
// without a part.
#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>

#include <functional>
#include <thread>

#include "kernel.hpp"
#include "netfilter/fence/fence_table.hpp"
#include "netfilter/nft/commit.hpp"
#include "netfilter/nft/monitor.hpp"

namespace netfilter::test {
namespace {

using namespace std::chrono_literals;

// The real kernel, with an event just before a commit, or a lost answer after it.
class Troubled final : public netfilter::Kernel {
public:
    explicit Troubled(std::unique_ptr<netfilter::Kernel> kernel) : kernel_(std::move(kernel)) {}
    core::Result<std::uint32_t> generation() override { return kernel_->generation(); }
    core::Result<Snapshot> snapshot(std::string_view table, Depth depth) override {
        return kernel_->snapshot(table, depth);
    }
    core::Result<std::optional<Element>> element(std::string_view table, std::string_view map,
                                                 const Key& key) override {
        return kernel_->element(table, map, key);
    }
    Commit commit(const Transaction& transaction, std::optional<std::uint32_t> generation) override {
        if (const auto before = std::exchange(before_commit, {})) {
            before();
        }
        if (std::exchange(lose_request, false)) {
            return {};
        }
        auto done = kernel_->commit(transaction, generation);
        return std::exchange(lose_answer, false) ? Commit{} : done;
    }
    Commit check(const Transaction& transaction) override { return kernel_->check(transaction); }
    core::Result<Reaped> reap(const Destination& destination) override { return kernel_->reap(destination); }
    core::Result<std::uint64_t> count_redirected(const Destination& destination) override {
        return kernel_->count_redirected(destination);
    }
    core::Result<Forwarding> forwarding(bool v4) override { return kernel_->forwarding(v4); }
    core::Result<void> set_forwarding(bool v4, const Forwarding& wanted) override {
        return kernel_->set_forwarding(v4, wanted);
    }

    std::function<void()> before_commit;
    bool lose_request = false;
    bool lose_answer = false;

private:
    std::unique_ptr<netfilter::Kernel> kernel_;
};

class FaultTest : public Kernel {
protected:
    // A second manager of the same table, over a troubled kernel.
    void open(Capabilities capabilities) {
        auto socket = Socket::open();
        ASSERT_TRUE(socket);
        auto troubled = std::make_unique<Troubled>(
            std::make_unique<NetlinkKernel>(std::move(*socket), capabilities, FlowReaper::open()));
        kernel_ = troubled.get();
        auto opened = FenceManager::open(std::move(troubled));
        ASSERT_TRUE(opened) << opened.error().line();
        other_.emplace(std::move(*opened));
    }
    static Capabilities capabilities() {
        auto socket = Socket::open();
        return Capabilities::probe(*socket).value();
    }

    Troubled* kernel_ = nullptr;
    std::optional<FenceManager> other_;
    const Address backend_ = *Address::parse("10.0.0.1:80");
};

TEST_F(FaultTest, AnAnswerThatGotLostIsFoundOutByLooking) {
    open(capabilities());
    kernel_->lose_answer = true;
    ASSERT_TRUE(other_->apply(std::vector<Change>{make_fence(backend_)}));
    EXPECT_EQ(list().size(), 1U);
    const auto before = nft_elements("new4");
    kernel_->lose_answer = true;
    ASSERT_TRUE(other_->apply(std::vector<Change>{Unfence{backend_}}));
    EXPECT_TRUE(list().empty()) << before;
}

TEST_F(FaultTest, ARequestThatGotLostIsMadeAgain) {
    open(capabilities());
    kernel_->lose_request = true;
    ASSERT_TRUE(other_->apply(std::vector<Change>{make_fence(backend_)}));
    EXPECT_EQ(list().size(), 1U);
}

// A kernel without NFT_MSG_DESTROYSETELEM refuses the whole transaction when an element to remove is missing.
TEST_F(FaultTest, AFenceThatExpiresBetweenTheLookAndTheChangeIsNoError) {
    open(Capabilities{});
    auto fence = make_fence(backend_);
    fence.until = core::base::wall_now() + 300ms;
    apply({fence});
    bool expired = false;
    kernel_->before_commit = [&] {
        const auto deadline = std::chrono::steady_clock::now() + 10s;
        while (!(expired = list().empty()) && std::chrono::steady_clock::now() < deadline) {
            std::this_thread::sleep_for(5ms);
        }
    };
    auto second = make_fence(backend_);
    second.mode = Mode::drop;
    const auto done = other_->apply(std::vector<Change>{second});
    ASSERT_TRUE(done) << done.error().line();
    EXPECT_TRUE(expired) << "the commit came before the kernel had let go of the element";
    ASSERT_EQ(list().size(), 1U);
    EXPECT_EQ(list()[0].mode, Mode::drop);
}

TEST_F(FaultTest, AcknowledgementsThatDoNotFitAreNeverTakenForSuccess) {
    AddElements twice{map_of(backend_, Scope::fresh), {}};
    std::vector<Change> changes;
    for (std::uint16_t port = 1; port <= 500; ++port) {
        const auto fence = make_fence(backend_.with_port(port));
        changes.emplace_back(fence);
        twice.elements.push_back(to_element(fence, {}, fence.since));
    }
    apply(changes);
    // One operation for each element, so that the kernel complains of each.
    Transaction transaction{std::string(fence_table_name)};
    for (const auto& element : twice.elements) {
        transaction.add(AddElements{twice.map, {element}});
    }
    auto socket = Socket::open();
    ASSERT_TRUE(socket);
    const auto known = Capabilities::probe(*socket).value();
    socket->limit_receive(1);  // the kernel raises it to its minimum, a few kilobytes
    const auto batch = encode(transaction, {.first_sequence = socket->take_sequences(count_sequences(transaction)),
                                            .destroy = known.destroy,
                                            .end_ack = known.end_ack});
    const auto replies = socket->exchange(batch.bytes);
    ASSERT_TRUE(replies) << replies.error().line();
    EXPECT_TRUE(replies->overrun);
    const auto outcome = judge(transaction, batch, *replies).outcome;
    EXPECT_TRUE(outcome == Outcome::rejected || outcome == Outcome::unknown) << static_cast<int>(outcome);
    // A dump comes in parts, each made when the last one was read: so it fits, and is complete.
    const auto snapshot = take_snapshot(*socket, fence_table_name, Depth::elements);
    ASSERT_TRUE(snapshot) << snapshot.error().line();
    EXPECT_EQ(snapshot->maps.at(0).elements.size() + snapshot->maps.at(1).elements.size(), 500U);
}

TEST_F(FaultTest, ATableThatAnotherProcessOwnsIsNamedAndLeftAlone) {
    ASSERT_TRUE(manager_->remove_table());
    auto owner = Socket::open();
    ASSERT_TRUE(owner);
    Transaction transaction{std::string(fence_table_name)};
    transaction.add(AddTable{{std::string(fence_table_name), "mine", NFT_TABLE_F_OWNER}});
    const auto owned = commit(*owner, transaction, capabilities());
    if (owned.outcome != Outcome::committed) {
        GTEST_SKIP() << "needs Linux 5.12 (NFT_TABLE_F_OWNER): " << owned.text;
    }
    const auto before = run("nft list ruleset");
    const auto opened = FenceManager::open();
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().os_error, EPERM);
    EXPECT_NE(opened.error().line().find("another program owns the table"), std::string::npos) << opened.error().line();
    EXPECT_EQ(run("nft list ruleset"), before);
}

TEST_F(FaultTest, FencesWorkWithIPv6SwitchedOff) {
    std::ofstream("/proc/sys/net/ipv6/conf/all/disable_ipv6") << "1\n";
    ASSERT_EQ(run("cat /proc/sys/net/ipv6/conf/all/disable_ipv6"), "1\n");
    const Listener backend("127.0.0.1");
    apply({make_fence(backend.address()), make_fence(*Address::parse("[fd00::1]:80"))});
    EXPECT_EQ(connect_error(backend.address()), ECONNREFUSED);
    EXPECT_EQ(list().size(), 2U);
    const Destination destination{backend.address()};
    EXPECT_EQ(manager_->reap({&destination, 1}), Reaped{});
    EXPECT_FALSE(manager_->repair().value().any());
}

// sock_diag does not know nf_tables' messages, just like a kernel without nf_tables.
TEST_F(FaultTest, AKernelWithoutNfTablesIsToldOf) {
    auto socket = Socket::open(NETLINK_SOCK_DIAG);
    ASSERT_TRUE(socket);
    const auto probed = Capabilities::probe(*socket);
    ASSERT_FALSE(probed);
    EXPECT_NE(probed.error().line().find("CONFIG_NF_TABLES"), std::string::npos) << probed.error().line();
    const auto generation = read_generation(*socket);
    ASSERT_FALSE(generation);
}

TEST_F(FaultTest, ABusThatTheKernelLacksIsToldOf) {
    const auto socket = Socket::open(31);
    ASSERT_FALSE(socket);
    EXPECT_EQ(socket.error().os_error, EPROTONOSUPPORT);
}

TEST_F(FaultTest, NastyReasonsComeBackThroughKernelAndNft) {
    std::string huge(10'240, 'x');
    huge.replace(0, 8, "\"\n\t\x1b[31m");
    const std::vector<std::string> reasons{"say \"no\"; flush ruleset", "two\nlines", "Grüße, 你好 🚧",
                                           "back\\slash %41", huge};
    for (const auto& reason : reasons) {
        auto fence = make_fence(backend_);
        fence.why = reason;
        apply({fence});
        const auto found = list();
        ASSERT_EQ(found.size(), 1U);
        EXPECT_EQ(found[0].why, as_stored(fence).why);
        EXPECT_TRUE(reason == huge || found[0].why == reason) << found[0].why;
        run("nft list ruleset > /tmp/gatehouse_reason.nft && nft flush ruleset && nft -f /tmp/gatehouse_reason.nft");
        EXPECT_EQ(list(), found) << "through nft's own listing";
    }
    unlink("/tmp/gatehouse_reason.nft");
}

}  // namespace
}  // namespace netfilter::test
