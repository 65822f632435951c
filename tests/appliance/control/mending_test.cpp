// Control and a real kernel: what cannot be put right at once is put right later, and told both times.
#include <cstdlib>

#include "tests/appliance/control/control_fixture.hpp"

namespace appliance::control {
namespace {

TEST_F(ControlTest, TellsThatADriftIsPutRightWhenItIs) {
    ASSERT_TRUE(control_->fence(order({"web2"})).has_value());
    proxy_->refuse("administer");
    ASSERT_EQ(std::system("nft flush ruleset"), 0);
    const auto last_drift = [this] { return (*control_->rules())["last_drift"]; };
    const auto settle_until = [this](const std::function<bool()>& is_so) {
        for (int tries = 0; tries < 500 && !is_so(); ++tries) {
            settle();
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        return is_so();
    };
    ASSERT_TRUE(settle_until([&] { return last_drift().contains("error"); }));
    EXPECT_EQ(last_drift()["repaired"], false);
    EXPECT_EQ(last_drift()["culprit"], "nft");
    EXPECT_EQ((*control_->rules())["repairs"], 0);
    proxy_->refuse("");
    ASSERT_TRUE(settle_until([&] { return last_drift()["repaired"] == true; })) << last_drift();
    EXPECT_FALSE(last_drift().contains("error"));
    EXPECT_EQ((*control_->rules())["repairs"], 1);
    EXPECT_EQ(fenced(), (std::vector<std::string>{"10.0.0.12:80"}));
}

TEST_F(ControlTest, TellsADriftOfAKernelPoolThatCoincidesWithAnOrder) {
    std::string text = plain_config;
    const auto pool = text.find("[pool.chat]\n") + 12;
    text.insert(pool, "plane = \"kernel\"\n");
    write_config(text + "[listen.chat]\naddress = \"127.0.0.1:5222\"\nmode = \"tcp\"\npool = \"chat\"\n");
    const auto loaded = control_->reload({"ann", ""});
    ASSERT_TRUE(loaded.has_value()) << loaded.error().error.line();
    const auto filled = [] {
        return std::system("nft list map inet gatehouse_redirect slots-chat | grep -q 10.0.0.11") == 0;
    };
    for (int tries = 0; tries < 1000 && !filled(); ++tries) {
        settle();
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    ASSERT_TRUE(filled());
    EXPECT_TRUE((*control_->rules())["last_drift"].is_null()) << "our own changes are none";
    FenceOrder one = order({"web1"});
    one.pool = "chat";
    ASSERT_EQ(std::system("nft flush map inet gatehouse_redirect slots-chat"), 0);
    ASSERT_TRUE(control_->fence(one).has_value());
    const auto rules = control_->rules();
    ASSERT_TRUE((*rules)["last_drift"].is_object());
    EXPECT_EQ((*rules)["last_drift"]["what"], "table inet gatehouse_redirect was changed");
    EXPECT_EQ((*rules)["last_drift"]["repaired"], true);
    EXPECT_EQ((*rules)["repairs"], 1);
    UnfenceOrder back = lift({"web1"});
    ASSERT_TRUE(control_->unfence(back).has_value());
    EXPECT_EQ((*control_->rules())["repairs"], 1) << "and an order alone is none";
}

}  // namespace
}  // namespace appliance::control
