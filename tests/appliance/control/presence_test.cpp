#include "appliance/control/observe/presence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "appliance/control/observe/listener_watch.hpp"

namespace appliance::control {
namespace {

using testing::HasSubstr;

core::Address address(const char* text) {
    return *core::Address::parse(text);
}

TEST(LocalAddresses, KnowWhatThisMachineHas) {
    LocalAddresses addresses;
    for (const char* here : {"0.0.0.0:80", "[::]:80", "127.0.0.1:80", "127.99.2.1:80"}) {
        EXPECT_EQ(addresses.find(address(here)), Presence::here) << here;
    }
    // Of documentation (RFC 5737, RFC 3849), and a broadcast.
    for (const char* absent : {"192.0.2.1:80", "255.255.255.255:80"}) {
        EXPECT_EQ(addresses.find(address(absent)), Presence::absent) << absent;
    }
    EXPECT_NE(addresses.find(address("[2001:db8::1]:80")), Presence::here);
}

TEST(LocalAddresses, AreExplainedWhereSomethingIsMissing) {
    const auto one = address("192.0.2.1:80");
    EXPECT_EQ(explain(Presence::here, one), "");
    EXPECT_THAT(explain(Presence::absent, one), HasSubstr("192.0.2.1 is not an address of this machine yet"));
    EXPECT_THAT(explain(Presence::unknown, one), HasSubstr("it is not known whether 192.0.2.1 is"));
}

class ListenerWatchTest : public testing::Test {
protected:
    ListenerWatchTest() {
        config_.listeners.resize(1);
        config_.listeners[0].name = "web";
        config_.listeners[0].address = address("192.0.2.1:80");
    }
    std::vector<bool> look(Presence presence) {
        presence_ = presence;
        told_.clear();
        watch_.look(config_);
        return told_;
    }

    config::Config config_;
    Presence presence_ = Presence::here;
    std::vector<bool> told_;
    ListenerWatch watch_{[this](const core::Address&) { return presence_; },
                         [this](std::string_view kind, const nlohmann::ordered_json& fields) {
                             EXPECT_EQ(kind, "listener");
                             EXPECT_EQ(fields["listener"], "web");
                             EXPECT_EQ(fields["address"], "192.0.2.1:80");
                             EXPECT_FALSE(fields["why"].get<std::string>().empty());
                             told_.push_back(fields["present"]);
                         }};
};

TEST_F(ListenerWatchTest, TellsThatAnAddressIsAbsentOnceAndThatItHasCome) {
    EXPECT_EQ(look(Presence::absent), std::vector{false});
    EXPECT_EQ(look(Presence::absent), std::vector<bool>{});
    EXPECT_EQ(look(Presence::here), std::vector{true});
    EXPECT_EQ(look(Presence::here), std::vector<bool>{});
    EXPECT_EQ(look(Presence::absent), std::vector{false});
}

TEST_F(ListenerWatchTest, SaysNothingOfAnAddressThatWasThereFromTheStart) {
    EXPECT_EQ(look(Presence::here), std::vector<bool>{});
}

TEST_F(ListenerWatchTest, TakesWhatCannotBeAskedForNoChange) {
    EXPECT_EQ(look(Presence::unknown), std::vector<bool>{});
    EXPECT_EQ(look(Presence::absent), std::vector{false});
    EXPECT_EQ(look(Presence::unknown), std::vector<bool>{});
    EXPECT_EQ(look(Presence::absent), std::vector<bool>{});
}

TEST_F(ListenerWatchTest, ForgetsAnAddressThatNoListenerHas) {
    EXPECT_EQ(look(Presence::absent), std::vector{false});
    const auto listeners = std::exchange(config_.listeners, {});
    EXPECT_EQ(look(Presence::here), std::vector<bool>{});
    config_.listeners = listeners;
    EXPECT_EQ(look(Presence::absent), std::vector{false});
}

}  // namespace
}  // namespace appliance::control
