// Which process may keep the fences of a network namespace.
#include "appliance/boot/process/claim.hpp"

#include <cap-ng.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>

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

TEST_F(Claim, IsRefusedToASecondWhichLearnsTheFirst) {
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

constexpr const char* cannot_become = "it cannot become that";

// Another process holds the claim, after become(); what a second is told here. Empty: it is not refused.
std::string told_beside(const std::function<bool()>& become) {
    std::array<int, 2> gates{};
    EXPECT_EQ(::pipe(gates.data()), 0);
    const pid_t first = ::fork();
    if (first == 0) {
        const bool changed = become();
        const auto held = claim_fences();
        if (::write(gates[1], changed && held ? "y" : "n", 1) == 1) {
            ::pause();
        }
        ::_exit(0);
    }
    char taken = 0;
    EXPECT_EQ(::read(gates[0], &taken, 1), 1);
    const auto claim = claim_fences();
    EXPECT_FALSE(claim && claim->valid());
    ::kill(first, SIGKILL);
    ::waitpid(first, nullptr, 0);
    ::close(gates[0]);
    ::close(gates[1]);
    return taken != 'y' ? cannot_become : claim ? std::string() : claim.error().line();
}

bool become_nobody() {
    return ::setresuid(65534, 65534, 65534) == 0;
}

TEST_F(Claim, WithoutPrivilegesDoesNotCount) {
    EXPECT_EQ(told_beside(become_nobody), "");
}

// As a unit with a user of its own and ambient capabilities runs it.
TEST_F(Claim, OfAUserWithTheCapabilityIsSeen) {
    const auto become = [] {
        ::capng_clear(CAPNG_SELECT_BOTH);
        ::capng_update(CAPNG_ADD, static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED), CAP_NET_ADMIN);
        return ::capng_change_id(65534, 65534, CAPNG_NO_FLAG) == 0;
    };
    EXPECT_NE(told_beside(become).find("keeps its fences"), std::string::npos);
}

TEST_F(Claim, OfTheRootOfAUserNamespaceDoesNotCount) {
    const auto become = [] {
        // A change of user leaves /proc/self to root.
        const bool apart =
            become_nobody() && ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0 && ::unshare(CLONE_NEWUSER) == 0;
        const core::base::Descriptor map(::open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC));
        constexpr std::string_view root = "0 65534 1";
        return apart && ::write(map.get(), root.data(), root.size()) == static_cast<ssize_t>(root.size());
    };
    const std::string told = told_beside(become);
    if (told == cannot_become) {
        GTEST_SKIP() << "needs user namespaces for all users (sysctl kernel.unprivileged_userns_clone, "
                        "user.max_user_namespaces)";
    }
    EXPECT_EQ(told, "");
}

}  // namespace
}  // namespace appliance::boot
