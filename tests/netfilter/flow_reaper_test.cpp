// Real connections over loopback and through a router, ended under a standing fence.
#include "netfilter/flows/flow_reaper.hpp"

#include <fmt/format.h>
#include <linux/netlink.h>

#include <cstring>

#include "kernel.hpp"
#include "routed.hpp"

namespace netfilter::test {
namespace {

struct Connection {
    Descriptor client;
    Descriptor backend;
};

Connection connect_to(const Listener& listener, std::uint32_t mark = 0) {
    auto made = attempt(listener.address(), mark);
    EXPECT_EQ(made.os_error, 0) << strerror(made.os_error);
    return {std::move(made.descriptor), listener.accept()};
}

// The result of a socket's next read: 0 for data or the end, else errno; ETIMEDOUT where nothing comes.
int read_error(const Descriptor& socket, int patience_ms = 2000) {
    pollfd waited{socket.get(), POLLIN, 0};
    if (poll(&waited, 1, patience_ms) == 0) {
        return ETIMEDOUT;
    }
    char byte = 0;
    return recv(socket.get(), &byte, 1, MSG_DONTWAIT) < 0 ? errno : 0;
}

bool alive(const Connection& connection) {
    return send(connection.client.get(), "x", 1, MSG_NOSIGNAL) == 1 && read_error(connection.backend) == 0;
}

class FlowReaperTest : public Kernel {
protected:
    void SetUp() override {
        Kernel::SetUp();
        if (IsSkipped() || HasFatalFailure()) {
            return;
        }
        // As on every machine with a firewall: connection tracking starts with the first rule that tests a state.
        run("nft 'table inet somebody { chain c { type filter hook forward priority 0; ct state new counter; }; }'");
    }
    Reaped reap(const Address& backend, std::uint8_t protocol = IPPROTO_TCP) {
        const Destination destination{backend, protocol};
        const auto reaped = manager_->reap({&destination, 1});
        EXPECT_TRUE(reaped) << (reaped ? "" : reaped.error().line());
        return reaped.value_or(Reaped{99, 99});
    }
};

class FlowReaperOverBothFamilies : public FlowReaperTest, public testing::WithParamInterface<const char*> {};
INSTANTIATE_TEST_SUITE_P(Both, FlowReaperOverBothFamilies, testing::Values("127.0.0.1", "::1"));

TEST_P(FlowReaperOverBothFamilies, EndsWhatIsEstablishedAtOnceAndNothingElse) {
    const Listener fenced(GetParam());
    const Listener other(GetParam());
    std::vector<Connection> doomed;
    for (int i = 0; i < 20; ++i) {
        doomed.push_back(connect_to(fenced));
    }
    const auto spared = connect_to(other);
    apply({make_fence(fenced.address())});
    EXPECT_TRUE(alive(doomed.front())) << "a fence for new flows lets established ones be";
    EXPECT_EQ(reap(fenced.address()), (Reaped{20, 0}));
    for (const auto& connection : doomed) {
        EXPECT_EQ(read_error(connection.client, 0), ECONNABORTED);
    }
    EXPECT_EQ(read_error(doomed.back().backend), ECONNRESET) << "the backend hears of it too";
    EXPECT_TRUE(alive(spared));
    EXPECT_EQ(reap(fenced.address()), Reaped{}) << "nothing is left";
    EXPECT_EQ(connect_error(fenced.address()), ECONNREFUSED);
}

TEST_F(FlowReaperTest, FindsIPv4SpokenThroughAnIPv6Socket) {
    const Listener fenced("127.0.0.1");
    const Descriptor client(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in6 to{};
    to.sin6_family = AF_INET6;
    to.sin6_port = htons(fenced.address().port());
    ASSERT_EQ(inet_pton(AF_INET6, "::ffff:127.0.0.1", &to.sin6_addr), 1);
    ASSERT_EQ(connect(client.get(), reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
    apply({make_fence(fenced.address())});
    EXPECT_EQ(reap(fenced.address()).sockets, 1U);
    EXPECT_EQ(read_error(client, 0), ECONNABORTED);
}

TEST_F(FlowReaperTest, LetsHealthProbesLive) {
    const Listener fenced("127.0.0.1");
    const auto probe = connect_to(fenced, probe_mark);
    const auto visitor = connect_to(fenced);
    apply({make_fence(fenced.address())});
    EXPECT_EQ(reap(fenced.address()), (Reaped{1, 0}));
    EXPECT_EQ(read_error(visitor.client, 0), ECONNABORTED);
    EXPECT_TRUE(alive(probe));
}

TEST_F(FlowReaperTest, FindsNothingToEndWithoutComplaint) {
    EXPECT_EQ(reap(*Address::parse("192.0.2.1:80")), Reaped{});
    EXPECT_EQ(reap(*Address::parse("[2001:db8::1]:80")), Reaped{});
    EXPECT_EQ(reap(*Address::parse("192.0.2.1:53"), IPPROTO_UDP), Reaped{});
}

TEST_F(FlowReaperTest, EndsHundredsOfConnections) {
    const Listener fenced("127.0.0.1");
    std::vector<Connection> doomed;
    for (int i = 0; i < 400; ++i) {
        doomed.push_back(connect_to(fenced));
    }
    apply({make_fence(fenced.address())});
    EXPECT_EQ(reap(fenced.address()).sockets, 400U);
    EXPECT_EQ(read_error(doomed[399].client, 0), ECONNABORTED);
}

class RoutedFlow : public FlowReaperTest {
protected:
    // As `fence --kill` makes it: scope all, because connection tracking forgets the flows.
    static Fence fence_all(const Address& backend) {
        auto fence = make_fence(backend);
        fence.scope = Scope::all;
        return fence;
    }
    void SetUp() override {
        FlowReaperTest::SetUp();
        if (!IsSkipped() && !HasFatalFailure()) {
            routed_.emplace();
        }
    }
    Connection connect_through(const Listener& listener) {
        return routed_->in_client([&] { return connect_to(listener); });
    }
    Listener listen_behind(const char* host) {
        return routed_->in_backend([host] { return Listener(host); });
    }

    std::optional<Routed> routed_;
};

class RoutedFlowOverBothFamilies : public RoutedFlow, public testing::WithParamInterface<const char*> {};
INSTANTIATE_TEST_SUITE_P(Both, RoutedFlowOverBothFamilies, testing::Values("10.2.0.2", "fd02::2"));

TEST_P(RoutedFlowOverBothFamilies, EndsWithTheClientsNextPacketAndOthersLive) {
    const auto fenced = listen_behind(GetParam());
    const auto other = listen_behind(GetParam());
    const auto doomed = connect_through(fenced);
    const auto spared = connect_through(other);
    apply({make_fence(fenced.address())});
    EXPECT_TRUE(alive(doomed));
    apply({fence_all(fenced.address())});
    EXPECT_EQ(reap(fenced.address()), (Reaped{0, 1}));
    EXPECT_EQ(send(doomed.client.get(), "x", 1, MSG_NOSIGNAL), 1);
    EXPECT_EQ(read_error(doomed.client), ECONNRESET);
    EXPECT_TRUE(alive(spared));
}

TEST_F(RoutedFlow, IsFoundByItsBackendBehindATranslatedAddress) {
    const auto fenced = listen_behind("10.2.0.2");
    run("nft add table ip nat '{ chain pre { type nat hook prerouting priority dstnat; }; }'");
    const auto rule = fmt::format("nft add rule ip nat pre tcp dport 80 dnat to {}", fenced.address().text());
    run(rule);
    const auto made = routed_->in_client([] { return attempt(*Address::parse("10.1.0.1:80")); });
    EXPECT_EQ(made.os_error, 0);
    apply({fence_all(fenced.address())});
    EXPECT_EQ(reap(fenced.address()), (Reaped{0, 1}));
    EXPECT_EQ(send(made.descriptor.get(), "x", 1, MSG_NOSIGNAL), 1);
    EXPECT_EQ(read_error(made.descriptor), ECONNRESET);
}

// The kernel's answer to a request that it refuses.
Replies answer_with(std::initializer_list<int> errors) {
    Replies replies;
    std::uint32_t sequence = 1;
    for (const int error : errors) {
        nlmsghdr header{sizeof(nlmsghdr) + sizeof(nlmsgerr), NLMSG_ERROR, 0, sequence++, 0};
        nlmsgerr body{};
        body.error = -error;
        const auto at = replies.bytes.size();
        replies.bytes.resize(at + header.nlmsg_len);
        std::memcpy(replies.bytes.data() + at, &header, sizeof header);
        std::memcpy(replies.bytes.data() + at + sizeof header, &body, sizeof body);
    }
    return replies;
}

TEST(JudgeDestroy, NamesTheOptionThatTheKernelLacks) {
    const auto judged = judge_destroy(answer_with({EOPNOTSUPP, EOPNOTSUPP}), 2);
    ASSERT_FALSE(judged);
    EXPECT_EQ(judged.error().os_error, EOPNOTSUPP);
    EXPECT_NE(judged.error().line().find("CONFIG_INET_DIAG_DESTROY"), std::string::npos);
}

TEST(JudgeDestroy, DoesNotCountWhatEndedByItself) {
    EXPECT_EQ(judge_destroy(answer_with({ENOENT}), 3), 2U);
    EXPECT_EQ(judge_destroy(answer_with({}), 3), 3U);
}

TEST(FlowEntries, AreNeverForgottenWithoutAName) {
    const FlowEntry nameless;
    EXPECT_DEATH(static_cast<void>(encode_forget({&nameless, 1}, 1)), "name");
}

TEST(FlowDecoders, TakeNothingFromAnswersCutShort) {
    const std::vector<std::byte> bytes(80, std::byte{0xff});
    for (std::size_t size = sizeof(nlmsghdr); size <= bytes.size(); ++size) {
        const auto cut = std::span(bytes).first(size);
        EXPECT_FALSE(decode_entry({0x100, 0, 1, cut}));
        EXPECT_FALSE(decode_socket({20, 0, 1, cut}));
    }
}

}  // namespace
}  // namespace netfilter::test
