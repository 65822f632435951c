#include "appliance/boot/proxy/proxy_orders.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace appliance::boot {
namespace {

using Flags = std::vector<bool>;

link::Message message(const char* type, bool fences_known = true, bool state_known = true) {
    return {{{"type", type}, {"fences_known", fences_known}, {"state_known", state_known}}, {}};
}

Flags outdated(const std::vector<const char*>& types) {
    std::vector<link::Message> messages;
    for (const char* type : types) {
        messages.push_back(message(type));
    }
    return find_outdated(messages);
}

TEST(AdministerOrders, OfThoseThatWaitedTogetherTheLastWordAboutFencesCounts) {
    EXPECT_EQ(outdated({}), Flags{});
    EXPECT_EQ(outdated({"administer"}), (Flags{false}));
    EXPECT_EQ(outdated({"report", "administer", "report", "administer", "configure", "administer", "drain"}),
              (Flags{false, true, false, true, false, false, false}));
}

TEST(AdministerOrders, AWordThatDoesNotKnowAllMakesNoneBeforeItMeaningless) {
    for (const bool fences : {true, false}) {
        std::vector<link::Message> messages;
        messages.push_back(message("administer"));
        messages.push_back(message("administer", fences, !fences));
        EXPECT_EQ(find_outdated(messages), (Flags{false, false}));
        messages.push_back(message("administer"));
        EXPECT_EQ(find_outdated(messages), (Flags{true, true, false}));
    }
}

class Completed : public testing::Test {
protected:
    [[nodiscard]] std::string after(bool fences_known, bool state_known) const {
        core::proxy::Administration next;
        next.fences = {{"app", "web3"}, {"app", "web1"}};
        next.maintenance.push_back({"web", "soon"});
        next.weights = {{"app", "web1", 3}};
        const auto held = complete({next, fences_known, state_known}, before_);
        std::string words;
        for (const auto& fence : held.fences) {
            words += fence.server + " ";
        }
        for (const auto& page : held.maintenance) {
            words += page.pool + " ";
        }
        for (const auto& weight : held.weights) {
            words += weight.server + "=" + std::to_string(weight.weight) + " ";
        }
        return words;
    }

    const core::proxy::Administration before_{
        {{"app", "web1"}, {"app", "web2"}}, {{"app", "now"}}, {{"app", "web1", 2}, {"app", "web2", 5}}};
};

TEST_F(Completed, WhatIsKnownReplacesWhatWasTold) {
    EXPECT_EQ(after(true, true), "web3 web1 web web1=3 ");
}

TEST_F(Completed, AFenceThatIsNotKnownOfStays) {
    EXPECT_EQ(after(false, true), "web3 web1 web2 web web1=3 ");
}

TEST_F(Completed, APageAndAWeightThatAreNotKnownOfStay) {
    EXPECT_EQ(after(true, false), "web3 web1 web app web1=3 web2=5 ");
}

}  // namespace
}  // namespace appliance::boot
