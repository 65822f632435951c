#include "netfilter/model/redirect_bounds.hpp"

#include <gtest/gtest.h>

namespace netfilter {
namespace {

core::Address at(const char* text) {
    return *core::Address::parse(text);
}

Redirect chat(const char* listener, std::initializer_list<const char*> backends) {
    Redirect redirect{"chat", at(listener), Spread::in_turn, true, {}};
    for (const char* backend : backends) {
        redirect.backends.push_back({at(backend), 1, false, true});
    }
    return redirect;
}

class RedirectBoundsTest : public testing::Test {
protected:
    RedirectBoundsTest() { bounds_.add(std::vector{chat("0.0.0.0:5222", {"10.0.0.1:5222", "10.0.0.2:5222"})}); }

    // Empty where it is allowed.
    std::string why_not(const Redirect& redirect) const {
        const auto checked = bounds_.check(std::vector{redirect});
        return checked ? std::string() : checked.error().line();
    }

    RedirectBounds bounds_;
};

TEST_F(RedirectBoundsTest, WhatWasNamedMayBeDealtInAnyWay) {
    Redirect redirect = chat("0.0.0.0:5222", {"10.0.0.2:5222"});
    EXPECT_EQ(why_not(redirect), "");
    redirect.spread = Spread::source;
    redirect.backends.front() = {at("10.0.0.2:5222"), 7, true, false};
    EXPECT_EQ(why_not(redirect), "");
    redirect.backends.clear();
    EXPECT_EQ(why_not(redirect), "");
    EXPECT_TRUE(bounds_.check({})) << "none at all";
}

TEST_F(RedirectBoundsTest, NothingElseMay) {
    const std::string named = ": the configuration file does not name it; where the file was changed: gatehouse reload";
    EXPECT_EQ(why_not(chat("0.0.0.0:22", {})), "cannot redirect 0.0.0.0:22 as 'chat' with masquerade" + named);
    EXPECT_EQ(why_not(chat("[::]:5222", {})), "cannot redirect [::]:5222 as 'chat' with masquerade" + named);
    EXPECT_EQ(why_not(chat("0.0.0.0:5222", {"10.0.0.1:22"})), "cannot redirect 'chat' to 10.0.0.1:22" + named);
    EXPECT_EQ(why_not(chat("0.0.0.0:5222", {"10.0.0.1:5222", "10.0.0.3:5222"})),
              "cannot redirect 'chat' to 10.0.0.3:5222" + named);
    Redirect redirect = chat("0.0.0.0:5222", {"10.0.0.1:5222"});
    redirect.masquerade = false;
    EXPECT_EQ(why_not(redirect), "cannot redirect 0.0.0.0:5222 as 'chat' without masquerade" + named);
    redirect.masquerade = true;
    redirect.name = "mail";
    EXPECT_EQ(why_not(redirect), "cannot redirect 0.0.0.0:5222 as 'mail' with masquerade" + named);
}

TEST_F(RedirectBoundsTest, AServerThatIsFoundByItsNameMayBeAnywhereOnItsPort) {
    bounds_.add_port("chat", 6222);
    EXPECT_EQ(why_not(chat("0.0.0.0:5222", {"10.9.9.9:6222"})), "");
    EXPECT_NE(why_not(chat("0.0.0.0:5222", {"10.9.9.9:6223"})), "");
    EXPECT_NE(why_not(chat("0.0.0.0:22", {"10.9.9.9:6222"})), "");
    bounds_.add_port("mail", 25);
    EXPECT_NE(why_not(chat("0.0.0.0:5222", {"10.9.9.9:25"})), "") << "another listener's";
}

TEST_F(RedirectBoundsTest, ServersFromBeforeStayAllowedWhereTheListenerMovesAndNoOtherListenerGetsThem) {
    Redirect other = chat("0.0.0.0:25", {"10.0.0.9:25"});
    other.name = "mail";
    bounds_.add(std::vector{chat("0.0.0.0:5333", {"10.0.0.3:5222"}), other});
    EXPECT_EQ(why_not(chat("0.0.0.0:5333", {"10.0.0.3:5222", "10.0.0.1:5222"})), "");
    EXPECT_EQ(why_not(chat("0.0.0.0:5222", {"10.0.0.1:5222"})), "") << "a reload that fails goes back";
    EXPECT_NE(why_not(chat("0.0.0.0:5333", {"10.0.0.9:25"})), "");
}

}  // namespace
}  // namespace netfilter
