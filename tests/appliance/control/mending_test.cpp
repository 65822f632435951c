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

}  // namespace
}  // namespace appliance::control
