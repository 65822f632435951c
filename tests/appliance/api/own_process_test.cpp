// None of the daemon's own processes may use the control socket. The kernel gives this process as the peer of both ends
// of a pair.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "appliance/api/entrance.hpp"

namespace appliance::api {
namespace {

struct Met {
    bool admitted = false;
    std::string answer;
    pid_t told = 0;
};

// A caller that has sent its request already.
Met meet(const core::Result<bool>& ours) {
    Met met;
    pid_t asked = 0;
    LocalEntrance entrance(
        [&](pid_t pid) {
            asked = pid;
            return ours;
        },
        [&met](pid_t pid, const std::string&) { met.told = pid; });
    std::array<int, 2> ends{-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
    core::base::Descriptor near(ends[0]);
    const core::base::Descriptor far(ends[1]);
    const std::string request = "POST /v1/fence HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}";
    EXPECT_EQ(::send(far.get(), request.data(), request.size(), MSG_NOSIGNAL), static_cast<ssize_t>(request.size()));
    ::shutdown(far.get(), SHUT_WR);
    met.admitted = entrance.admit(near.get()) != nullptr;
    near.reset();
    std::array<char, 4096> bytes{};
    if (!met.admitted) {
        const ssize_t got = ::recv(far.get(), bytes.data(), bytes.size(), MSG_WAITALL);
        met.answer.assign(bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    }
    EXPECT_EQ(asked, ::getpid());
    return met;
}

TEST(OwnProcess, IsRefusedAndReportedBeforeItsRequestIsRead) {
    const Met met = meet(true);
    EXPECT_FALSE(met.admitted);
    EXPECT_TRUE(met.answer.starts_with("HTTP/1.1 403 ")) << met.answer;
    EXPECT_EQ(met.told, ::getpid());
}

TEST(OwnProcess, IsAnyProcessThatMayBeOne) {
    const Met met = meet(core::fail("the supervisor does not answer", "it is busy"));
    EXPECT_FALSE(met.admitted);
    EXPECT_TRUE(met.answer.starts_with("HTTP/1.1 503 ")) << met.answer;
}

TEST(OwnProcess, IsNotAProcessWithOnlyTheSameUser) {
    const Met met = meet(false);
    EXPECT_TRUE(met.admitted);
    EXPECT_EQ(met.told, 0);
}

}  // namespace
}  // namespace appliance::api
