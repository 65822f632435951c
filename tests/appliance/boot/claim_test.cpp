// Who may keep the fences of a network namespace.
#include "appliance/boot/claim.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace appliance::boot {
namespace {

class Claim : public testing::Test {
protected:
    void SetUp() override {
        home_.reset(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
        if (::geteuid() != 0 || ::unshare(CLONE_NEWNET) != 0) {
            GTEST_SKIP() << "needs root and network namespaces: unshare(CLONE_NEWNET): " << strerror(errno);
        }
    }
    void TearDown() override { ::setns(home_.get(), CLONE_NEWNET); }

private:
    core::base::Descriptor home_;
};

TEST_F(Claim, IsRefusedToASecondWhichLearnsWhoIsFirst) {
    auto first = claim_fences();
    ASSERT_TRUE(first) << first.error().line();
    const auto second = claim_fences();
    ASSERT_FALSE(second);
    const auto line = second.error().line();
    EXPECT_NE(line.find("process " + std::to_string(::getpid()) + " ("), std::string::npos) << line;
    EXPECT_NE(line.find("appliance_boot_test"), std::string::npos) << line;
    first->reset();
    EXPECT_TRUE(claim_fences()) << "the first has gone";
}

TEST_F(Claim, HoldsInItsOwnNetworkNamespaceOnly) {
    const auto first = claim_fences();
    ASSERT_TRUE(first);
    ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
    EXPECT_TRUE(claim_fences());
}

TEST_F(Claim, OfSomebodyWithoutPrivilegesRefusesNobody) {
    int gates[2];
    ASSERT_EQ(::pipe(gates), 0);
    const pid_t squatter = ::fork();
    if (squatter == 0) {
        const bool dropped = ::setresuid(65534, 65534, 65534) == 0;
        const auto held = claim_fences();
        if (::write(gates[1], dropped && held ? "y" : "n", 1) == 1) {
            ::pause();
        }
        ::_exit(0);
    }
    char taken = 0;
    ASSERT_EQ(::read(gates[0], &taken, 1), 1);
    EXPECT_EQ(taken, 'y');
    const auto claim = claim_fences();
    EXPECT_TRUE(claim);
    EXPECT_FALSE(claim && claim->valid());
    ::kill(squatter, SIGKILL);
    ::waitpid(squatter, nullptr, 0);
    ::close(gates[0]);
    ::close(gates[1]);
}

}  // namespace
}  // namespace appliance::boot
