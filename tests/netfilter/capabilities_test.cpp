// What the running kernel supports, with nft and the kernel's behaviour as the oracles.
#include "netfilter/nft/capabilities.hpp"

#include <cstdlib>
#include <thread>

#include "kernel.hpp"
#include "netfilter/agent/helper.hpp"
#include "netfilter/client/helper_client.hpp"
#include "tests/support/any_redirect.hpp"

namespace netfilter::test {
namespace {

class CapabilitiesTest : public Kernel {
protected:
    static Capabilities probe() {
        auto socket = Socket::open();
        EXPECT_TRUE(socket);
        const auto found = Capabilities::probe(*socket);
        EXPECT_TRUE(found) << (found ? "" : found.error().line());
        return found.value_or(Capabilities{});
    }
    static bool takes(const std::string& command) { return std::system((command + " 2> /dev/null").c_str()) == 0; }
};

TEST_F(CapabilitiesTest, ProbingLeavesNothingBehind) {
    const auto before = run("nft list ruleset");
    probe();
    EXPECT_EQ(run("nft list ruleset"), before);
}

TEST_F(CapabilitiesTest, AgreesWithWhatNftCanDoOnThisKernel) {
    const auto found = probe();
    run("nft 'table inet x { set s { type inet_service; flags timeout; elements = { 80 timeout 1h }; }; }'");
    run("nft 'add element inet x s { 80 timeout 2h }'");
    EXPECT_EQ(found.timeout_update, run("nft list set inet x s").find("timeout 2h") != std::string::npos);
    EXPECT_EQ(found.flowtable, takes("nft --check 'table inet x { flowtable f { hook ingress priority 0; } }'"));
    EXPECT_TRUE(found.owner || !found.persist);
}

// Linux 6.12 brought the last of them into the mainline. Older kernels may have them too: distributions backport.
TEST_F(CapabilitiesTest, AMainlineKernelHasWhatItsVersionPromises) {
    int major = 0;
    int minor = 0;
    ASSERT_EQ(std::sscanf(run("uname -r").c_str(), "%d.%d", &major, &minor), 2);
    if (major < 6 || (major == 6 && minor < 12)) {
        GTEST_SKIP() << "needs Linux 6.12, which is the first that must have them all";
    }
    auto found = probe();
    found.flowtable = false;  // depends on how it was built
    EXPECT_EQ(found.text(), "destroy end_ack owner persist timeout_update");
}

TEST_F(CapabilitiesTest, AreToldThroughTheFenceProcess) {
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    std::thread helper([this, end = Descriptor(ends[1])] {
        static_cast<void>(serve(end.get(), *manager_, tests::support::allow_any_redirect));
    });
    {
        HelperClient client(Descriptor(ends[0]), std::chrono::seconds(5));
        EXPECT_EQ(client.capabilities().value_or("nothing"), probe().text());
    }
    helper.join();
}

TEST(Capabilities, SayWhatIsThereAndNothingElse) {
    EXPECT_EQ(Capabilities{}.text(), "");
    EXPECT_EQ((Capabilities{.end_ack = true, .flowtable = true}).text(), "end_ack flowtable");
}

}  // namespace
}  // namespace netfilter::test
