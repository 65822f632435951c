// The sockets that the supervisor holds.
#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <thread>

#include "appliance/boot/supervisor/control_socket.hpp"
#include "appliance/boot/supervisor/listeners.hpp"
#include "netfilter/model/fence.hpp"

namespace appliance::boot {
namespace {

namespace fs = std::filesystem;
using core::base::Descriptor;

// A port that was free a moment ago.
core::Address free_address(const char* host) {
    const auto any = *core::Address::parse_host(host, 0);
    const Descriptor socket(::socket(any.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_storage storage{};
    socklen_t length = any.fill(storage);
    EXPECT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&storage), length), 0);
    length = sizeof(storage);
    ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&storage), &length);
    return core::Address::from(storage);
}

int connect_to(const core::Address& address) {
    const Descriptor socket(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_storage storage{};
    const socklen_t length = address.fill(storage);
    return ::connect(socket.get(), reinterpret_cast<sockaddr*>(&storage), length) == 0 ? 0 : errno;
}

TEST(Listeners, QueueConnectionsUntilTheyAreClosed) {
    for (const char* host : {"127.0.0.1", "::1"}) {
        Listeners listeners;
        const core::Address address = free_address(host);
        const auto opened = listeners.open(address, 2);
        ASSERT_TRUE(opened.has_value()) << opened.error().line();
        EXPECT_EQ(opened->size(), 2U);
        EXPECT_EQ(connect_to(address), 0);
        listeners.close(address);
        EXPECT_EQ(connect_to(address), ECONNREFUSED);
    }
}

TEST(Listeners, GiveTheSameSocketsWhenAskedAgain) {
    Listeners listeners;
    const core::Address address = free_address("127.0.0.1");
    const auto first = *listeners.open(address, 2);
    EXPECT_EQ(*listeners.open(address, 2), first);
    const auto more = *listeners.open(address, 3);
    EXPECT_EQ(std::vector<int>(more.begin(), more.begin() + 2), first);
}

TEST(Listeners, DoNotJoinAnotherGatehousesGroup) {
    Listeners theirs;
    Listeners ours;
    const core::Address address = free_address("127.0.0.1");
    ASSERT_TRUE(theirs.open(address, 1).has_value());
    const auto taken = ours.open(address, 1);
    ASSERT_FALSE(taken.has_value());
    EXPECT_EQ(taken.error().os_error, EADDRINUSE);
    EXPECT_FALSE(taken.error().mend.empty());
}

TEST(Listeners, NeedNoAddressThatIsThereAlready) {
    Listeners listeners;
    for (const char* absent : {"192.0.2.1:8080", "[2001:db8::1]:8080"}) {
        const auto address = *core::Address::parse(absent);
        const auto opened = listeners.open(address, 2);
        ASSERT_TRUE(opened.has_value()) << opened.error().line();
        Listeners others;
        const auto taken = others.open(address, 1);
        ASSERT_FALSE(taken.has_value());
        EXPECT_EQ(taken.error().os_error, EADDRINUSE);
    }
}

TEST(Listeners, RefuseWhatIsOutOfRange) {
    Listeners listeners;
    const core::Address address = free_address("127.0.0.1");
    EXPECT_FALSE(listeners.open(address, 0).has_value());
    EXPECT_FALSE(listeners.open(address, Listeners::count_max + 1).has_value());
    EXPECT_FALSE(listeners.open(address.with_port(0), 1).has_value());
}

TEST(Listeners, PassTheirSocketsOnWithWhatQueuesThere) {
    const core::Address address = free_address("127.0.0.1");
    Listeners before;
    ASSERT_TRUE(before.open(address, 1).has_value());
    EXPECT_EQ(connect_to(address), 0);
    Listeners after;
    for (Handover::Listening listening : before.list()) {
        EXPECT_EQ(listening.address, address);
        for (int& fd : listening.sockets) {
            fd = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);  // as an exec leaves it: another descriptor of the same socket
        }
        after.adopt(listening);
    }
    before.close_all();
    const auto sockets = after.open(address, 1);
    ASSERT_TRUE(sockets.has_value());
    EXPECT_GE(Descriptor(::accept4(sockets->front(), nullptr, nullptr, SOCK_CLOEXEC)).get(), 0);
}

TEST(Listeners, KeepOnlyWhatTheConfigurationStillNames) {
    Listeners listeners;
    const core::Address gone = free_address("127.0.0.1");
    const core::Address kept = free_address("::1");
    ASSERT_TRUE(listeners.open(gone, 2).has_value());
    ASSERT_TRUE(listeners.open(kept, 3).has_value());
    listeners.keep_only({kept}, 2);
    ASSERT_EQ(listeners.list().size(), 1U);
    EXPECT_EQ(listeners.list().front().sockets.size(), 2U);
    EXPECT_EQ(connect_to(gone), ECONNREFUSED);
}

TEST(ProbeSockets, CarryTheMark) {
    const auto sockets = make_probe_sockets(AF_INET6, 3);
    if (!sockets) {
        GTEST_SKIP() << sockets.error().line();
    }
    ASSERT_EQ(sockets->size(), 3U);
    std::uint32_t mark = 0;
    socklen_t length = sizeof(mark);
    ASSERT_EQ(::getsockopt(sockets->back().get(), SOL_SOCKET, SO_MARK, &mark, &length), 0);
    EXPECT_EQ(mark, netfilter::probe_mark);
}

class ControlSocket : public testing::Test {
protected:
    ControlSocket() {
        std::string name = "/tmp/gatehouse-socket-XXXXXX";
        folder_ = ::mkdtemp(name.data());
    }
    ~ControlSocket() override { fs::remove_all(folder_); }

    fs::path folder_;
};

TEST_F(ControlSocket, IsForItsGroupAlone) {
    const fs::path path = folder_ / "deep" / "control.sock";
    const auto socket = open_control_socket(path, ::getegid());
    ASSERT_TRUE(socket.has_value()) << socket.error().line();
    struct stat facts {};
    ASSERT_EQ(::stat(path.c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 07777, 0660U);
    EXPECT_EQ(facts.st_gid, ::getegid());
}

TEST_F(ControlSocket, ReplacesADeadOneAndRefusesALivingOne) {
    const fs::path path = folder_ / "control.sock";
    auto first = open_control_socket(path, ::getegid());
    ASSERT_TRUE(first.has_value());
    const auto second = open_control_socket(path, ::getegid());
    ASSERT_FALSE(second.has_value());
    EXPECT_EQ(second.error().why, "another gatehouse runs there");
    first->reset();
    EXPECT_TRUE(open_control_socket(path, ::getegid()).has_value());
}

// Killed processes close their files one after the other; the next start does not take them for a running gatehouse.
TEST_F(ControlSocket, WaitsForADyingOne) {
    const fs::path path = folder_ / "control.sock";
    auto first = open_control_socket(path, ::getegid());
    ASSERT_TRUE(first.has_value());
    std::thread dying([&first] {
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        first->reset();
    });
    EXPECT_TRUE(open_control_socket(path, ::getegid()).has_value());
    dying.join();
}

TEST_F(ControlSocket, RefusesToReplaceAFile) {
    const fs::path path = folder_ / "control.sock";
    std::ofstream(path) << "precious";
    EXPECT_FALSE(open_control_socket(path, ::getegid()).has_value());
    EXPECT_EQ(fs::file_size(path), 8U);
}

}  // namespace
}  // namespace appliance::boot
