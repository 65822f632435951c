#include "core/http/cookie.hpp"

#include <gtest/gtest.h>

namespace core::http {
namespace {

std::string_view find(std::string_view cookies, std::string_view name = "id") {
    Fields fields;
    fields.add({"Host", "id=host"});
    fields.add({"cookie", cookies});
    return find_cookie(fields, name);
}

TEST(Cookie, IsFoundByItsName) {
    EXPECT_EQ(find("id=1"), "1");
    EXPECT_EQ(find("a=b; id=1; c=d"), "1");
    EXPECT_EQ(find("a=b;id=1"), "1");
    EXPECT_EQ(find("a=b;\t id = 1 ;c=d"), "1");
    EXPECT_EQ(find("id=1; id=2"), "1");
    EXPECT_EQ(find("id=a=b"), "a=b");
}

TEST(Cookie, IsNotAnythingElse) {
    for (const char* const cookies :
         {"", ";", "id", "id;", "xid=1", "idx=1", "ID=1", "a=id=1", "=1", "id=", "a;id", "; ; "}) {
        EXPECT_EQ(find(cookies), "") << cookies;
    }
}

TEST(Cookie, MayStandInAnyField) {
    Fields fields;
    fields.add({"Cookie", "a=b"});
    fields.add({"COOKIE", "id=1"});
    EXPECT_EQ(find_cookie(fields, "id"), "1");
    EXPECT_EQ(find_cookie(Fields(), "id"), "");
}

}  // namespace
}  // namespace core::http
