#include "appliance/config/values/account.hpp"

#include <gmock/gmock.h>

namespace appliance::config {
namespace {

using testing::HasSubstr;

AccountFacts user(const std::string& name, uid_t uid, const std::string& shell) {
    return {name, uid, shell, {"/bin/sh", "/bin/bash"}, 1000, 0};
}

std::string why_not(const AccountFacts& facts) {
    const auto judged = judge_account(facts);
    return judged ? "" : judged.error().line();
}

TEST(Account, OfTheSystemIsTaken) {
    EXPECT_EQ(why_not(user("gatehouse", 999, "/usr/sbin/nologin")), "");
    EXPECT_EQ(why_not(user("gatehouse", 999, "/bin/sh")), "");  // as useradd --system leaves it
    EXPECT_EQ(why_not(user("nobody", 65'534, "/usr/sbin/nologin")), "");
}

TEST(Account, OfRootIsRefusedUnderAnyName) {
    EXPECT_THAT(why_not(user("root", 0, "/bin/bash")), HasSubstr("it is root"));
    EXPECT_THAT(why_not(user("toor", 0, "/usr/sbin/nologin")), HasSubstr("under another name"));
}

TEST(Account, OfAPersonIsRefusedButToThatPerson) {
    EXPECT_THAT(why_not(user("ann", 1000, "/bin/bash")), HasSubstr("it may log in"));
    EXPECT_THAT(why_not(user("ann", 1000, "")), HasSubstr("it may log in"));
    EXPECT_EQ(why_not(user("ann", 1000, "/bin/false")), "");
    AccountFacts facts = user("ann", 1000, "/bin/bash");
    facts.asker = 1000;
    EXPECT_EQ(why_not(facts), "");
    facts.asker = 1001;
    EXPECT_THAT(why_not(facts), HasSubstr("it may log in"));
}

TEST(Account, IsLookedUpOnThisSystem) {
    EXPECT_TRUE(check_account("nobody"));
    EXPECT_THAT(check_account("root").error().line(), HasSubstr("may not run as 'root'"));
    EXPECT_THAT(check_account("nobody-of-that-name").error().line(), HasSubstr("useradd --system nobody-of-that-name"));
}

}  // namespace
}  // namespace appliance::config
