// fence --kill as control carries it out, and kernels that refuse, which only one in memory does on demand.
#include <cerrno>
#include <thread>

#include "tests/appliance/control/memory_fixture.hpp"

namespace appliance::control {
namespace {

using Strings = std::vector<std::string>;

class ControlKill : public ControlInMemory {
protected:
    FenceOrder kill(std::vector<std::string> servers) const {
        FenceOrder made = order(std::move(servers));
        made.kill = true;
        return made;
    }
    // Connections that are established with a backend.
    netfilter::Reaped& flows(const char* backend) { return memory_->flows[{*core::Address::parse(backend), 6}]; }
};

TEST_F(ControlKill, EndsWhatIsEstablishedWithEveryBackendThatItFences) {
    flows("10.0.0.11:80") = {3, 1};
    flows("10.0.0.11:5222") = {2, 0};
    flows("10.0.0.12:80") = {7, 7};
    const auto done = control_->fence(kill({"web1"}));
    ASSERT_TRUE(done.has_value()) << done.error().error.line();
    EXPECT_EQ((*done)["killed"].dump(), R"({"sockets":5,"forwarded":1})");
    EXPECT_EQ((*done)["in_flight"], 0);
    EXPECT_EQ(flows("10.0.0.12:80"), (netfilter::Reaped{7, 7}));
    EXPECT_EQ(fenced(), (Strings{"10.0.0.11:80", "10.0.0.11:5222"}));
}

TEST_F(ControlKill, IsNotSpokenOfWhereItWasNotOrdered) {
    flows("10.0.0.11:80") = {3, 1};
    EXPECT_FALSE(control_->fence(order({"web1"}))->contains("killed"));
    EXPECT_EQ(flows("10.0.0.11:80"), (netfilter::Reaped{3, 1}));
}

TEST_F(ControlKill, LeavesTheFenceStandingWhereTheKernelCannotEndConnections) {
    memory_->refuse_reap = EOPNOTSUPP;
    const auto done = control_->fence(kill({"web2"}));
    ASSERT_FALSE(done.has_value());
    EXPECT_EQ(done.error().status, 500);
    EXPECT_TRUE(done.error().error.line().starts_with("the fence holds, but what is in flight goes on"));
    EXPECT_EQ(fenced(), (Strings{"10.0.0.12:80"}));
    EXPECT_EQ(control_->status()["pools"][0]["backends"][1]["state"], "fenced");
}

TEST_F(ControlKill, EndsNothingWhereTheFenceItselfIsRefused) {
    flows("10.0.0.12:80") = {7, 7};
    memory_->refuse_commit = ENOMEM;
    const auto done = control_->fence(kill({"web2"}));
    ASSERT_FALSE(done.has_value());
    EXPECT_EQ(done.error().error.os_error, ENOMEM);
    EXPECT_EQ(flows("10.0.0.12:80"), (netfilter::Reaped{7, 7}));
}

TEST_F(ControlKill, OfAFenceThatTheKernelRefusesNothingIsLeftAnywhere) {
    memory_->refuse_commit = ENOMEM;
    EXPECT_FALSE(control_->fence(order({"web2"})).has_value());
    EXPECT_EQ(fenced(), Strings{});
    EXPECT_EQ(proxy_->last("administer")["fences"], json::array());
    EXPECT_EQ(control_->status()["pools"][0]["backends"][1]["state"], "up");
    EXPECT_TRUE(Store::open(folder_)->load()->fences.empty());
}

// The proxy is told again behind an order that has lifted the fence meanwhile.
TEST_F(ControlKill, DoesNotSayThatTheFenceHoldsWhereAnotherOrderHasLiftedItMeanwhile) {
    proxy_->refuse("administer");
    std::thread other;
    memory_->before_reap = [this, &other] {
        other = std::thread([this] {
            UnfenceOrder lift;
            lift.servers = {"web2"};
            lift.who = "bob";
            static_cast<void>(control_->unfence(lift));
        });
        // From here on it holds the lock, and comes to the kernel once this is over.
        while (!Store::open(folder_)->load()->fences.empty()) {
            std::this_thread::yield();
        }
    };
    const auto done = control_->fence(kill({"web2"}));
    other.join();
    ASSERT_FALSE(done.has_value());
    EXPECT_EQ(done.error().status, 409);
    EXPECT_TRUE(done.error().error.what.starts_with("the fence of web2 was lifted by bob")) << done.error().error.what;
    EXPECT_EQ(fenced(), Strings{});
}

}  // namespace
}  // namespace appliance::control
