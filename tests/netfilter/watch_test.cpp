// The fence process between two requests: it repairs the table without a request, and reports that.
#include "netfilter/agent/watch.hpp"

#include <thread>

#include "kernel.hpp"
#include "netfilter/agent/helper.hpp"
#include "netfilter/client/helper_client.hpp"
#include "netfilter/redirect/redirect_table.hpp"
#include "tests/support/any_redirect.hpp"

namespace netfilter::test {
namespace {

class WatchTest : public Kernel {
protected:
    void SetUp() override {
        Kernel::SetUp();
        if (IsSkipped() || HasFatalFailure()) {
            return;
        }
        looks_ = NetlinkKernel::open().value();
        int fds[2];
        ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
        client_.emplace(Descriptor(fds[0]), std::chrono::seconds(20));
        server_ = std::thread([this, end = fds[1]] {
            const Descriptor own(end);
            static_cast<void>(serve(end, *manager_, tests::support::allow_any_redirect));
        });
        ASSERT_TRUE(client_->ping());
    }
    void TearDown() override {
        client_.reset();
        if (server_.joinable()) {
            server_.join();
        }
    }
    // Waits for the next notice, without a request to the fence process.
    Notice notice() {
        for (int tries = 0; tries < 3; ++tries) {
            pollfd waited{client_->descriptor(), POLLIN, 0};
            EXPECT_EQ(poll(&waited, 1, 1000), 1) << "nothing is told within a second";
            EXPECT_TRUE(client_->collect());
            if (auto told = client_->take_notices(); !told.empty()) {
                return told.front();
            }
        }
        return {};
    }

    static std::vector<Redirect> redirects() {
        return {{"chat",
                 *Address::parse("127.0.0.1:5222"),
                 Spread::in_turn,
                 true,
                 {{*Address::parse("127.0.0.2:5222"), 1, false, true}}}};
    }
    // Reads as another program does: the manager's own socket belongs to the serving thread.
    std::string nft_redirects() { return looks_->snapshot(redirect_table_name, Depth::elements).value().text(); }
    bool becomes(const std::string& text) {
        for (int tries = 0; tries < 1000 && nft_redirects() != text; ++tries) {
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        return nft_redirects() == text;
    }

    std::unique_ptr<netfilter::Kernel> looks_;
    std::optional<HelperClient> client_;
    std::thread server_;
};

TEST_F(WatchTest, PutsTheTableRightWithoutARequest) {
    for (const char* change : {"nft flush ruleset", "nft insert rule inet gatehouse output accept",
                               "nft 'add table inet gatehouse { flags dormant; }'"}) {
        run(change);
        const auto told = notice();
        EXPECT_EQ(told.process, "nft") << change;
        EXPECT_TRUE(told.repaired.structure) << change;
        EXPECT_EQ(told.trouble, "") << change;
    }
    EXPECT_EQ(nft_objects("table").size(), 1U);
}

TEST_F(WatchTest, PutsFencesBackWithTheTableThatWentWithThem) {
    auto first = make_fence(*Address::parse("10.0.0.1:80"));
    first.why = "deploying";
    const auto second = make_fence(*Address::parse("[fd00::1]:80"));
    ASSERT_TRUE(client_->apply(std::vector<Change>{first, second}));
    const auto before = client_->list();
    for (const char* change : {"nft flush ruleset", "nft flush map inet gatehouse new4"}) {
        run(change);
        const auto told = notice();
        EXPECT_EQ(told.process, "nft") << change;
        EXPECT_GT(told.repaired.missing, 0U) << change;
        EXPECT_EQ(*client_->list(), *before) << change;
    }
}

TEST_F(WatchTest, DoesNotPutBackWhatWasUnfencedOrRanOut) {
    const auto gone = *Address::parse("10.0.0.1:80");
    auto brief = make_fence(*Address::parse("10.0.0.2:80"));
    brief.until = core::base::wall_now() + std::chrono::milliseconds(200);
    ASSERT_TRUE(client_->apply(std::vector<Change>{make_fence(gone), brief}));
    ASSERT_TRUE(client_->apply(std::vector<Change>{Unfence{gone}}));
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    run("nft flush ruleset");
    const auto told = notice();
    EXPECT_EQ(told.repaired, (Repair{true, 0, 0}));
    EXPECT_TRUE(client_->list()->empty());
}

TEST_F(WatchTest, KeepsAnotherProgramsFence) {
    run("nft add element inet gatehouse new4 '{ 10.0.0.9 . tcp . 80 : continue }'");
    static_cast<void>(notice());
    ASSERT_EQ(client_->list()->size(), 1U);
    run("nft insert rule inet gatehouse output accept");
    EXPECT_TRUE(notice().repaired.structure);
    EXPECT_EQ(client_->list()->size(), 1U);
}

TEST_F(WatchTest, PutsRedirectsBackWithoutARequestAndSaysSoAtTheNextPut) {
    ASSERT_TRUE(client_->put_redirects(redirects()));
    EXPECT_EQ(client_->put_redirects(redirects())->before, Before::wanted);
    const std::string made = nft_redirects();
    for (const char* change : {"nft flush ruleset", "nft delete table inet gatehouse_redirect",
                               "nft flush map inet gatehouse_redirect slots-chat"}) {
        run(change);
        EXPECT_TRUE(becomes(made)) << change << "\n" << nft_redirects();
        EXPECT_EQ(client_->put_redirects(redirects())->before, Before::foreign) << change;
        EXPECT_EQ(client_->put_redirects(redirects())->before, Before::wanted) << change << ": told once";
    }
}

TEST_F(WatchTest, LeavesRedirectsAloneBeforeTheFirstPut) {
    run("nft add table inet gatehouse_redirect");
    run("nft delete table inet gatehouse_redirect");
    ASSERT_TRUE(client_->ping());
    EXPECT_EQ(run("nft list tables").find("gatehouse_redirect"), std::string::npos);
}

// The ruleset's generation shows the process's own repairs: every program's commit raises it by one.
TEST_F(WatchTest, AProgramThatTakesRedirectsAwayInALoopGetsNoRepairForEachTime) {
    ASSERT_TRUE(client_->put_redirects(redirects()));
    const std::string made = nft_redirects();
    constexpr unsigned times = 200;
    const auto begun = std::chrono::steady_clock::now();
    const auto before = looks_->generation().value();
    for (unsigned i = 0; i < times; ++i) {
        run("nft 'add table inet gatehouse_redirect; delete table inet gatehouse_redirect'");
    }
    const auto repairs = looks_->generation().value() - before - times;
    const auto took = std::chrono::steady_clock::now() - begun;
    EXPECT_LE(repairs, took / Watch::redirect_step + 2);
    EXPECT_GT(repairs, 0U);
    EXPECT_TRUE(becomes(made));
    EXPECT_EQ(client_->put_redirects(redirects())->before, Before::foreign);
}

TEST_F(WatchTest, NoticesBetweenRepliesAreKept) {
    for (int i = 0; i < 20; ++i) {
        run("nft flush map inet gatehouse new4");
        EXPECT_TRUE(client_->apply(std::vector<Change>{make_fence(*Address::parse("10.0.0.1:80"))}));
        EXPECT_EQ(client_->list()->size(), 1U);
    }
    EXPECT_TRUE(client_->collect());
    EXPECT_FALSE(client_->take_notices().empty());
}

}  // namespace
}  // namespace netfilter::test
