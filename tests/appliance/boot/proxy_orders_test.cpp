#include "appliance/boot/proxy_orders.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace appliance::boot {
namespace {

TEST(ProxyOrders, OfThoseThatWaitedTogetherTheLastWordAboutFencesCounts) {
    const auto outdated = [](std::initializer_list<const char*> types) {
        std::vector<link::Message> messages;
        for (const char* type : types) {
            messages.push_back({{{"type", type}}, {}});
        }
        return find_outdated(messages);
    };
    using Flags = std::vector<bool>;
    EXPECT_EQ(outdated({}), Flags{});
    EXPECT_EQ(outdated({"administer"}), (Flags{false}));
    EXPECT_EQ(outdated({"report", "administer", "report", "administer", "configure", "administer", "drain"}),
              (Flags{false, true, false, true, false, false, false}));
}

}  // namespace
}  // namespace appliance::boot
