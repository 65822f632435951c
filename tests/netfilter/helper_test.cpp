// The fence process and its client over a real socket pair, the server in a thread of its own.
#include "netfilter/agent/helper.hpp"

#include <csignal>
#include <cstring>
#include <thread>

#include "kernel.hpp"
#include "netfilter/client/helper_client.hpp"
#include "netfilter/protocol/helper_protocol.hpp"
#include "tests/support/any_redirect.hpp"
#include "tests/support/set_clock.hpp"

namespace netfilter::test {
namespace {

struct Pair {
    Pair() {
        int fds[2];
        EXPECT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
        near.reset(fds[0]);
        far.reset(fds[1]);
    }
    Descriptor near;
    Descriptor far;
};

class HelperTest : public Kernel {
protected:
    void SetUp() override {
        Kernel::SetUp();
        if (IsSkipped() || HasFatalFailure()) {
            return;
        }
        raw_ = pair_.near.get();
        client_.emplace(std::move(pair_.near), std::chrono::seconds(20));
        server_ =
            std::thread([this] { served_ = serve(pair_.far.get(), *manager_, tests::support::allow_any_redirect); });
    }
    void TearDown() override {
        client_.reset();
        if (server_.joinable()) {
            server_.join();
        }
    }
    // Closes the client's end and waits for the server's return.
    core::Result<void> finish() {
        TearDown();
        return served_;
    }

    Pair pair_;
    int raw_ = -1;
    std::optional<HelperClient> client_;
    std::thread server_;
    core::Result<void> served_ = core::fail("never served");
};

wire::Request request_of(wire::Kind kind, std::uint64_t id) {
    wire::Request request{};
    request.magic = wire::magic;
    request.kind = static_cast<std::uint8_t>(kind);
    request.last = 1;
    request.id = id;
    return request;
}

TEST_F(HelperTest, FencesListsDescribesAndEndsWithItsPeer) {
    const Listener backend("127.0.0.1");
    ASSERT_TRUE(client_->ping());
    auto fence = make_fence(backend.address());
    fence.until = fence.since + std::chrono::hours(1);
    ASSERT_TRUE(client_->apply(std::vector<Change>{fence}));
    EXPECT_EQ(connect_error(backend.address()), ECONNREFUSED);
    const auto found = client_->list();
    ASSERT_TRUE(found);
    ASSERT_EQ(found->size(), 1U);
    EXPECT_EQ((*found)[0].packets, 1U);
    auto expected = as_stored(fence);
    expected.packets = 1;
    expected.bytes = (*found)[0].bytes;
    EXPECT_EQ((*found)[0], expected);
    EXPECT_NE(client_->rules_text()->find(write_note(fence)), std::string::npos);
    ASSERT_TRUE(client_->apply(std::vector<Change>{Unfence{backend.address()}}));
    EXPECT_EQ(connect_error(backend.address()), 0);
    EXPECT_TRUE(finish());
}

TEST_F(HelperTest, CarriesAThousandChangesAsOneTransaction) {
    std::vector<Change> changes;
    for (std::uint16_t port = 1; port <= 1000; ++port) {
        auto fence = make_fence(Address::parse("10.0.0.1:1")->with_port(port));
        fence.why = std::string(10'000, 'y');
        changes.emplace_back(fence);
    }
    ASSERT_TRUE(client_->apply(changes));
    EXPECT_EQ(client_->list()->size(), 1000U);
    const auto text = client_->rules_text();
    ASSERT_TRUE(text);
    EXPECT_GT(text->size(), wire::text_max * 10);
    EXPECT_TRUE(text->ends_with("}\n"));
    changes.emplace_back(make_fence(*Address::parse("10.0.0.2:0")));
    changes.front() = Unfence{*Address::parse("10.0.0.1:1")};
    const auto done = client_->apply(changes);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().line(), "cannot fence 10.0.0.2:0: a fence needs a port; name the backend's port");
    EXPECT_EQ(client_->list()->size(), 1000U) << "nothing of a refused batch may be done";
}

TEST_F(HelperTest, EndsEstablishedConnectionsToMoreBackendsThanOnePacketHolds) {
    const Listener backend("127.0.0.1");
    const auto visitor = attempt(backend.address());
    ASSERT_EQ(visitor.os_error, 0);
    ASSERT_TRUE(client_->apply(std::vector<Change>{make_fence(backend.address())}));
    std::vector<Destination> destinations(2 * wire::items_max, Destination{*Address::parse("192.0.2.1:80")});
    destinations.push_back({backend.address()});
    EXPECT_EQ(client_->reap(destinations), (Reaped{1, 0}));
    EXPECT_EQ(client_->reap(destinations), Reaped{});
    char byte = 0;
    EXPECT_EQ(recv(visitor.descriptor.get(), &byte, 1, MSG_DONTWAIT), -1);
    EXPECT_EQ(errno, ECONNABORTED);
}

TEST_F(HelperTest, EndsNothingForAnOrderThatNamesNoBackend) {
    auto request = request_of(wire::Kind::reap, 1);
    request.count = 1;
    request.items[0] = wire::pack(make_fence(*Address::parse("10.0.0.1:80")));
    ASSERT_EQ(send(raw_, &request, sizeof request, 0), static_cast<ssize_t>(sizeof request));
    wire::Reply reply{};
    ASSERT_EQ(recv(raw_, &reply, sizeof reply, 0), static_cast<ssize_t>(sizeof reply));
    EXPECT_EQ(wire::unpack_error(reply).line(), "cannot end established connections: no backend is named");
}

TEST_F(HelperTest, SkipsLateAnswersToWhatItGaveUp) {
    for (int i = 0; i < 3; ++i) {
        const auto stale = request_of(wire::Kind::describe, static_cast<std::uint64_t>(i));
        ASSERT_EQ(send(raw_, &stale, sizeof stale, 0), static_cast<ssize_t>(sizeof stale));
    }
    ASSERT_TRUE(client_->apply(std::vector<Change>{make_fence(*Address::parse("10.0.0.1:80"))}));
    EXPECT_EQ(client_->list()->size(), 1U);
}

// Control may not have seen a step of the clock that the fence process already follows.
TEST_F(HelperTest, MeansAnEndByTheSendersClock) {
    const tests::support::SetClock still;
    const core::Milliseconds clock = core::base::wall_offset();
    for (const auto behind : {std::chrono::hours(5), std::chrono::hours(-5)}) {
        auto fence = make_fence(*Address::parse("10.0.0.1:80"));
        fence.until = core::base::wall_now() - behind + std::chrono::hours(1);
        ASSERT_TRUE(client_->apply(std::vector<Change>{fence}, clock - behind));
        const auto by_ours = client_->list(clock - behind);
        const auto by_its = client_->list(clock);
        ASSERT_EQ(by_ours->size(), 1U);
        ASSERT_EQ(by_its->size(), 1U);
        EXPECT_EQ(by_ours->front().until, as_stored(fence).until);
        EXPECT_EQ(*by_its->front().until - *by_ours->front().until, behind);
    }
}

TEST(HelperProtocol, AClockThatIsNotSetChangesNoEndAndOneThatIsDoes) {
    const auto end = core::base::wall_now() + std::chrono::hours(1);
    const auto seen_at = [](core::Milliseconds step, core::WallTime until) {
        auto fence = make_fence(*Address::parse("10.0.0.1:80"));
        fence.until = until;
        wire::set_clock(fence, 1'000, core::Milliseconds(1'000) + step);
        return *fence.until - until;
    };
    using core::Milliseconds;
    EXPECT_EQ(seen_at(Milliseconds(499), end), Milliseconds(0));
    EXPECT_EQ(seen_at(Milliseconds(500), end), Milliseconds(500));
    EXPECT_EQ(seen_at(Milliseconds(-500), end), Milliseconds(-500));
    // A time out of range must not overflow.
    EXPECT_EQ(seen_at(Milliseconds(10'000), core::WallTime::max()), Milliseconds(0));
    EXPECT_EQ(seen_at(Milliseconds(-10'000), core::WallTime::min()), Milliseconds(0));
}

TEST_F(HelperTest, ForgetsABatchThatWasNeverFinished) {
    auto half = request_of(wire::Kind::apply, 1);
    half.last = 0;
    half.count = 1;
    half.items[0] = wire::pack(make_fence(*Address::parse("10.0.0.9:80")));
    ASSERT_EQ(send(raw_, &half, sizeof half, 0), static_cast<ssize_t>(sizeof half));
    ASSERT_TRUE(client_->apply(std::vector<Change>{make_fence(*Address::parse("10.0.0.1:80"))}));
    const auto found = client_->list();
    ASSERT_EQ(found->size(), 1U);
    EXPECT_EQ((*found)[0].backend.text(), "10.0.0.1:80");
}

TEST_F(HelperTest, RefusesAFieldThatIsNotWhatItMayBe) {
    const auto good = wire::pack(make_fence(*Address::parse("10.0.0.1:80")));
    std::vector<wire::Item> bad(9, good);
    bad[0].action = 3;
    bad[1].family = 5;
    bad[2].protocol = 1;
    bad[3].mode = 9;
    bad[4].scope = 2;
    bad[5].timed = 2;
    bad[6].port = 0;
    bad[7].why.fill('x');
    bad[8].address[9] = 1;
    for (std::size_t i = 0; i < bad.size(); ++i) {
        auto request = request_of(wire::Kind::apply, i);
        request.count = 2;
        request.items[0] = good;
        request.items[1] = bad[i];
        ASSERT_EQ(send(raw_, &request, sizeof request, 0), static_cast<ssize_t>(sizeof request));
        wire::Reply reply{};
        ASSERT_EQ(recv(raw_, &reply, sizeof reply, 0), static_cast<ssize_t>(sizeof reply));
        EXPECT_EQ(reply.status, static_cast<std::uint8_t>(wire::Status::failed)) << i;
        EXPECT_FALSE(wire::unpack_error(reply).line().empty());
    }
    EXPECT_TRUE(client_->list()->empty());
}

class BrokenFrame : public HelperTest, public testing::WithParamInterface<int> {};
INSTANTIATE_TEST_SUITE_P(All, BrokenFrame, testing::Range(0, 8));

TEST_P(BrokenFrame, EndsTheConversation) {
    auto request = request_of(wire::Kind::list, 1);
    std::size_t size = sizeof request;
    switch (GetParam()) {
        case 0:
            request.magic = 1;
            break;
        case 1:
            request.kind = 77;
            break;
        case 2:
            request.count = 17;
            break;
        case 3:
            request.last = 2;
            break;
        case 4:
            size -= 1;
            break;
        case 5:
            request.clock = std::numeric_limits<std::int64_t>::min();
            break;
        case 6:
            request.clock = 10'000'000'000'001;
            break;
        default:
            size = 5;
    }
    ASSERT_EQ(send(raw_, &request, size, 0), static_cast<ssize_t>(size));
    server_.join();
    ASSERT_FALSE(served_);
    EXPECT_NE(served_.error().line().find("another language"), std::string::npos);
}

TEST(HelperClientTest, GivesUpWithoutAnAnswerInTime) {
    Pair pair;
    HelperClient client(std::move(pair.near), std::chrono::milliseconds(50));
    const auto start = std::chrono::steady_clock::now();
    const auto done = client.ping();
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().os_error, ETIMEDOUT);
    EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(45));
    // A batch that fills the link must not wait longer either.
    const std::vector<Change> many(5000, Change{Unfence{*Address::parse("10.0.0.1:80")}});
    EXPECT_EQ(client.apply(many).error().os_error, ETIMEDOUT);
}

TEST(HelperClientTest, SaysThatTheFenceProcessIsGone) {
    Pair pair;
    HelperClient client(std::move(pair.near), std::chrono::seconds(5));
    pair.far.reset();
    EXPECT_EQ(client.ping().error().os_error, EPIPE);
    EXPECT_EQ(client.list().error().os_error, EPIPE);
}

TEST(HelperClientTest, TellsALateAnswerOfTheSameKindByItsId) {
    Pair pair;
    HelperClient client(std::move(pair.near), std::chrono::seconds(5));
    std::thread server([&] {
        wire::Request request{};
        EXPECT_EQ(recv(pair.far.get(), &request, sizeof request, 0), static_cast<ssize_t>(sizeof request));
        wire::Reply reply{};
        reply.magic = wire::magic;
        reply.kind = request.kind;
        reply.last = 1;
        reply.count = 1;
        reply.id = request.id - 1;
        reply.items[0] = wire::pack(make_fence(*Address::parse("10.0.0.1:80")));
        EXPECT_EQ(send(pair.far.get(), &reply, sizeof reply, 0), static_cast<ssize_t>(sizeof reply));
        reply.id = request.id;
        reply.count = 0;
        EXPECT_EQ(send(pair.far.get(), &reply, sizeof reply, 0), static_cast<ssize_t>(sizeof reply));
    });
    EXPECT_TRUE(client.list()->empty());
    server.join();
}

TEST(HelperProtocol, CarriesEveryFieldOfAFence) {
    auto fence = as_stored(make_fence(*Address::parse("[fd00::1]:8443")));
    fence.protocol = IPPROTO_UDP;
    fence.mode = Mode::drop;
    fence.scope = Scope::all;
    fence.until = fence.since + std::chrono::milliseconds(1234);
    fence.packets = 1;
    fence.bytes = 60;
    EXPECT_EQ(std::get<Fence>(wire::unpack(wire::pack(fence)).value()), fence);
}

TEST(HelperProtocol, CarriesAnErrorAsItIsAndCutsAHugeOne) {
    wire::Reply reply{};
    wire::pack_error({"what", "", "mend", EPERM}, reply);
    EXPECT_EQ(wire::unpack_error(reply).line(), core::Error({"what", "", "mend", EPERM}).line());
    EXPECT_EQ(wire::unpack_error(reply).os_error, EPERM);
    const std::string huge(100'000, 'x');
    wire::pack_error({huge, huge, huge, 0}, reply);
    EXPECT_EQ(wire::unpack_error(reply).mend.size(), wire::text_max / 4);
}

}  // namespace
}  // namespace netfilter::test
