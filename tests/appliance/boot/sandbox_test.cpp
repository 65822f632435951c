// The rights of a child after it has dropped its privileges. Each case runs in a forked child, because that is
// permanent.
#include "appliance/boot/confine/sandbox.hpp"

#include <cap-ng.h>
#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <linux/io_uring.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <string>

#include "appliance/boot/confine/privileges.hpp"
#include "appliance/boot/process/spawn.hpp"

namespace appliance::boot {
namespace {

const Account nobody{"nobody", 65534, 65534};

// 0 when check holds in a child that has done begin; 99 when it could not even do that.
std::string in_fork(const std::function<bool()>& begin, const std::function<bool()>& check) {
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::_exit(!begin() ? 99 : check() ? 0 : 1);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    return describe_exit(status);
}

std::string in_child(Role role, bool confined, const std::function<bool()>& check) {
    return in_fork([&] { return drop_privileges(role, nobody) && (!confined || confine(role, {"/tmp"})); }, check);
}

bool status_says(const std::string& line) {
    std::ifstream file("/proc/self/status");
    for (std::string one; std::getline(file, one);) {
        if (one == line) {
            return true;
        }
    }
    return false;
}

class SandboxTest : public testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0) {
            GTEST_SKIP() << "needs root: privileges to give up";
        }
    }
};

// Cases that need the filters themselves. A skip must come from SetUp: in a helper it would not end the test.
class FilterTest : public SandboxTest {
protected:
    void SetUp() override {
        SandboxTest::SetUp();
        if (sanitized()) {
            GTEST_SKIP() << "no sandbox in a sanitized build";
        }
    }
};

TEST_F(SandboxTest, ProxyAndControlKeepNoCapability) {
    for (const Role role : {Role::proxy, Role::control}) {
        EXPECT_EQ(in_child(role, false,
                           [] {
                               return ::geteuid() == 65534 && status_says("CapEff:\t0000000000000000") &&
                                      status_says("CapPrm:\t0000000000000000") &&
                                      status_says("CapBnd:\t0000000000000000") && status_says("NoNewPrivs:\t1") &&
                                      ::getgroups(0, nullptr) == 0 && ::setuid(0) != 0;
                           }),
                  "exit code 0");
    }
}

TEST_F(SandboxTest, TheFenceKeepsNetAdminAlone) {
    EXPECT_EQ(in_child(Role::fence, false,
                       [] {
                           return ::geteuid() == 65534 && status_says("CapEff:\t0000000000001000") &&
                                  status_says("CapPrm:\t0000000000001000") && status_says("CapBnd:\t0000000000000000");
                       }),
              "exit code 0");
}

// As where systemd starts the daemon as its user, with the capabilities that it needs.
std::string in_own_child(Role role, const std::function<bool()>& check) {
    const auto begin = [role] {
        const bool ready = ::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0 && ::setgroups(0, nullptr) == 0 &&
                           ::setgid(nobody.gid) == 0 && ::setuid(nobody.uid) == 0;
        ::capng_clear(CAPNG_SELECT_CAPS);
        ::capng_update(CAPNG_ADD, static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_INHERITABLE),
                       CAP_NET_ADMIN);
        const bool given = ::capng_apply(CAPNG_SELECT_CAPS) == 0 &&
                           ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_ADMIN, 0, 0) == 0;
        return ready && given && check_privileges() && drop_privileges(role, nobody);
    };
    return in_fork(begin, check);
}

TEST_F(SandboxTest, AStartAsThatUserKeepsNoMoreThanAStartAsRoot) {
    for (const Role role : {Role::proxy, Role::control, Role::fence}) {
        const std::string left = role == Role::fence ? "0000000000001000" : "0000000000000000";
        EXPECT_EQ(in_own_child(role,
                               [&left] {
                                   return ::geteuid() == 65534 && status_says("CapEff:\t" + left) &&
                                          status_says("CapPrm:\t" + left) && status_says("CapAmb:\t0000000000000000") &&
                                          status_says("NoNewPrivs:\t1") &&
                                          (sanitized() || ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
                               }),
                  "exit code 0");
    }
}

TEST_F(SandboxTest, OnlyAProcessThatMayChangeNftablesSupervises) {
    EXPECT_TRUE(check_privileges().has_value());
    EXPECT_EQ(in_child(Role::fence, false, [] { return check_privileges().has_value(); }), "exit code 0");
    EXPECT_EQ(in_child(Role::proxy, false, [] { return !check_privileges(); }), "exit code 0");
}

TEST_F(SandboxTest, WithoutRootItRunsAsItsOwnUserWhateverIsConfigured) {
    EXPECT_EQ(choose_account("nobody")->uid, nobody.uid);
    EXPECT_EQ(choose_account("nobody-of-that-name").error().why, "there is no such user");
    EXPECT_EQ(in_child(Role::proxy, false,
                       [] {
                           const auto chosen = choose_account("root");
                           return chosen->name == "nobody" && chosen->uid == nobody.uid && chosen->gid == nobody.gid;
                       }),
              "exit code 0");
}

TEST_F(FilterTest, NoProcessSendsASignalToAnother) {
    const pid_t other = ::getpid();
    for (const Role role : {Role::proxy, Role::control, Role::fence}) {
        EXPECT_EQ(in_child(role, true,
                           [other] {
                               const bool itself = ::syscall(SYS_tgkill, ::getpid(), ::gettid(), 0) == 0;
                               errno = 0;
                               const bool another = ::syscall(SYS_tgkill, other, other, 0) < 0 && errno == EPERM;
                               return itself && another && ::kill(::getpid(), 0) < 0;
                           }),
                  "exit code 0");
    }
}

TEST_F(FilterTest, TheProxyOpensNoFileAndRunsNoProgramButHasItsRing) {
    EXPECT_EQ(in_child(Role::proxy, true,
                       [] {
                           char* const arguments[] = {nullptr};
                           const bool no_file = ::open("/etc/hostname", O_RDONLY) < 0 && errno == EPERM;
                           const bool no_program = ::execv("/bin/true", arguments) < 0 && errno == EPERM;
                           const bool no_local = ::socket(AF_UNIX, SOCK_STREAM, 0) < 0 && errno == EPERM;
                           const bool internet = ::socket(AF_INET6, SOCK_STREAM, 0) >= 0;
                           io_uring_params parameters{};
                           const bool ring = ::syscall(SYS_io_uring_setup, 8, &parameters) >= 0 || errno != EPERM;
                           return no_file && no_program && no_local && internet && ring;
                       }),
              "exit code 0");
}

TEST_F(FilterTest, ControlReadsFilesAndAsksOverTheNetworkButNothingRaw) {
    EXPECT_EQ(in_child(Role::control, true,
                       [] {
                           const bool reads = ::open("/etc/passwd", O_RDONLY) >= 0;
                           const bool asks = ::socket(AF_INET, SOCK_STREAM, 0) >= 0;
                           const bool no_packets = ::socket(AF_PACKET, SOCK_RAW, 0) < 0 && errno == EPERM;
                           const bool no_program = ::execl("/bin/true", "true", nullptr) < 0;
                           return reads && asks && no_packets && no_program;
                       }),
              "exit code 0");
}

TEST_F(FilterTest, ControlPutsAFileInAnothersPlaceWhereItMayWrite) {
    EXPECT_EQ(in_child(Role::control, true,
                       [] {
                           std::string name = "/tmp/gatehouse-sandbox-XXXXXX";
                           if (::mkdtemp(name.data()) != nullptr) {
                               return false;  // a folder is nothing that it makes
                           }
                           const std::string fresh = "/tmp/gatehouse-sandbox-" + std::to_string(::getpid());
                           const std::string place = fresh + ".toml";
                           const int file = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0600);
                           const bool written = ::fchmod(file, 0640) == 0 && ::fchown(file, -1, ::getegid()) == 0 &&
                                                ::write(file, "x", 1) == 1 && ::fsync(file) == 0;
                           const bool moved = ::rename(fresh.c_str(), place.c_str()) == 0;
                           const bool gone = ::unlink(place.c_str()) == 0;
                           return written && moved && gone && ::open("/var/tmp/x", O_WRONLY | O_CREAT, 0600) < 0;
                       }),
              "exit code 0");
}

TEST_F(FilterTest, TheFenceOpensNothingButNetlink) {
    EXPECT_EQ(in_child(Role::fence, true,
                       [] {
                           const bool no_file = ::open("/etc/hostname", O_RDONLY) < 0;
                           const bool no_network = ::socket(AF_INET, SOCK_STREAM, 0) < 0 && errno == EPERM;
                           return no_file && no_network && ::socket(AF_NETLINK, SOCK_RAW, 12) >= 0;
                       }),
              "exit code 0");
}

TEST_F(SandboxTest, LandlockAloneShutsTheFileSystem) {
    const long version = ::syscall(444 /* landlock_create_ruleset */, nullptr, 0, 1);
    if (version < 1) {
        GTEST_SKIP() << "this kernel runs without Landlock (lsm=landlock)";
    }
    EXPECT_EQ(
        in_child(
            Role::proxy, false,
            [] { return restrict_files(Role::proxy, {}) && ::open("/etc/hostname", O_RDONLY) < 0 && errno == EACCES; }),
        "exit code 0");
    EXPECT_EQ(in_child(Role::control, false,
                       [] {
                           return restrict_files(Role::control, {"/missing", "/", "/tmp"}) &&
                                  ::open("/etc/passwd", O_RDONLY) >= 0 &&
                                  ::open("/var/tmp/gatehouse-x", O_WRONLY | O_CREAT, 0600) < 0 && errno == EACCES;
                       }),
              "exit code 0");
}

}  // namespace
}  // namespace appliance::boot
