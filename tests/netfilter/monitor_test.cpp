// The monitor against a real kernel, with nft as the other program.
#include "netfilter/nft/monitor.hpp"

#include <linux/netlink.h>

#include "kernel.hpp"
#include "netfilter/fence/fence_table.hpp"
#include "netfilter/protocol/notice.hpp"

namespace netfilter::test {
namespace {

using namespace std::chrono_literals;

class MonitorTest : public Kernel {
protected:
    void SetUp() override {
        Kernel::SetUp();
        if (!IsSkipped() && !HasFatalFailure()) {
            open(8 << 20);
        }
    }
    void open(int receive_buffer) {
        auto opened = Monitor::open(fence_table_name, *manager_->port(), Monitor::debounce, receive_buffer);
        ASSERT_TRUE(opened) << opened.error().line();
        monitor_.emplace(std::move(*opened));
        // The first read of the generation is due at once; the monitor starts from its result.
        EXPECT_FALSE(monitor_->take(now_));
    }
    // nf_tables announces inside the commit, so all announcements are readable when nft has returned.
    std::optional<ForeignChange> next() {
        now_ += Monitor::debounce;
        monitor_->read(now_);
        return monitor_->take(now_);
    }

    Monitor::Clock::time_point now_ = Monitor::Clock::now();
    std::optional<Monitor> monitor_;
};

TEST_F(MonitorTest, NamesTheProgramThatChangesOurTable) {
    for (const char* change : {"nft insert rule inet gatehouse output accept", "nft flush chain inet gatehouse fence",
                               "nft 'add table inet gatehouse { flags dormant; }'", "nft flush ruleset"}) {
        run(change);
        const auto told = next();
        ASSERT_TRUE(told) << change;
        EXPECT_EQ(told->process, "nft") << change;
        EXPECT_GT(told->pid, 0U);
        EXPECT_GT(told->generation, 0U);
        EXPECT_FALSE(next()) << "a change is told once";
    }
}

TEST_F(MonitorTest, IsSilentAboutOurOwnChangesAndOthersTables) {
    apply({make_fence(*Address::parse("10.0.0.1:80"))});
    EXPECT_FALSE(next());
    run("nft add table inet somebody_else");
    run("nft add table ip gatehouse");  // of another family, so another table
    EXPECT_FALSE(next());
    now_ += Monitor::audit_step;
    EXPECT_FALSE(next()) << "what was announced is no surprise to the look at the generation";
}

TEST_F(MonitorTest, TellsTheFirstOfManyAtOnceAndTheRestTogetherLater) {
    run("nft add chain inet gatehouse one");
    ASSERT_TRUE(next());
    run("nft add chain inet gatehouse two");
    run("nft add chain inet gatehouse three");
    monitor_->read(now_);
    EXPECT_FALSE(monitor_->take(now_ + Monitor::debounce - 1ms));
    EXPECT_LE(monitor_->next(), now_ + Monitor::debounce);
    EXPECT_TRUE(monitor_->take(now_ + Monitor::debounce));
    EXPECT_FALSE(next());
}

TEST_F(MonitorTest, TellsAChangeByAnUnknownWhenAnnouncementsWereLost) {
    open(1);  // the kernel raises it to its minimum, a few kilobytes
    std::string elements;
    for (int port = 1; port <= 2000; ++port) {
        elements += (port == 1 ? "" : ", ") + ("10.0.0.1 . tcp . " + std::to_string(port) + " : drop");
    }
    run("nft 'add element inet gatehouse new4 { " + elements + " }'");
    const auto told = next();
    ASSERT_TRUE(told);
    EXPECT_EQ(told->process, "");
    EXPECT_EQ(told->pid, 0U);
}

// Its socket belongs to no group, so no announcement comes.
TEST_F(MonitorTest, FindsAChangeByItsLookAtTheGenerationWhenNothingWasAnnounced) {
    Descriptor deaf(socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_NETFILTER));
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    ASSERT_EQ(bind(deaf.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0) << strerror(errno);
    socklen_t length = sizeof address;
    ASSERT_EQ(getsockname(deaf.get(), reinterpret_cast<sockaddr*>(&address), &length), 0);
    monitor_.emplace(std::move(deaf), fence_table_name, *manager_->port(), address.nl_pid);
    EXPECT_FALSE(monitor_->take(now_));
    run("nft flush ruleset");
    EXPECT_FALSE(next()) << "no announcement has come";
    now_ += Monitor::audit_step;
    EXPECT_FALSE(next()) << "an announcement might still be on its way";
    const auto told = next();
    ASSERT_TRUE(told) << "the second look, a moment later, is sure";
    EXPECT_EQ(told->process, "");
    EXPECT_FALSE(next());
    EXPECT_TRUE(manager_->repair().value().any());
}

TEST(Notice, GoesThroughItsPacketAndCutsWhatIsTooLong) {
    const Notice notice{"nft", 18211, 7, {true, 5, 6}, "no room"};
    EXPECT_EQ(wire::unpack(wire::pack(notice)), notice);
    const auto cut = wire::unpack(wire::pack({std::string(100, 'x'), 1, 2, {false, 5, 6}, std::string(10'000, 'y')}));
    ASSERT_TRUE(cut);
    EXPECT_EQ(cut->process, std::string(63, 'x'));
    EXPECT_EQ(cut->trouble, std::string(511, 'y'));
    auto packet = wire::pack(notice);
    packet.process.fill('x');
    EXPECT_FALSE(wire::unpack(packet)) << "a text without an end";
    packet = wire::pack(notice);
    packet.magic = 0;
    EXPECT_FALSE(wire::unpack(packet));
}

}  // namespace
}  // namespace netfilter::test
