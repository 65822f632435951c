#include "core/balance/route.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace core::balance {
namespace {

std::string pool_of(const std::vector<Route>& routes, std::string_view host, std::string_view path) {
    const Route* const found = find_route(routes, host, path);
    return found == nullptr ? "-" : found->pool;
}

TEST(Route, MatchesAHostInAnyCaseAndWithADotAtItsEnd) {
    const std::vector<Route> routes{{"chat.example.org", "", "chat"}};
    for (const std::string_view host : {"chat.example.org", "Chat.EXAMPLE.org", "chat.example.org."}) {
        EXPECT_EQ(pool_of(routes, host, "/"), "chat") << host;
    }
    for (const std::string_view host : {"example.org", "xchat.example.org", "chat.example.org.evil", "", "."}) {
        EXPECT_EQ(pool_of(routes, host, "/"), "-") << host;
    }
}

TEST(Route, MatchesEveryNameBelowAWildcardButNotTheNameItself) {
    const std::vector<Route> routes{{"*.example.org", "", "tenants"}};
    EXPECT_EQ(pool_of(routes, "a.example.org", "/"), "tenants");
    EXPECT_EQ(pool_of(routes, "a.b.EXAMPLE.org", "/"), "tenants");
    EXPECT_EQ(pool_of(routes, "example.org", "/"), "-");
    EXPECT_EQ(pool_of(routes, ".example.org", "/"), "-");
    EXPECT_EQ(pool_of(routes, "evilexample.org", "/"), "-");
}

TEST(Route, MatchesAPathUpToTheEndOfASegment) {
    const std::vector<Route> routes{{"", "/api", "api"}, {"", "/static/", "files"}};
    for (const std::string_view path : {"/api", "/api/", "/api/v1"}) {
        EXPECT_EQ(pool_of(routes, "a", path), "api") << path;
    }
    for (const std::string_view path : {"/", "/apis", "/API", "/%61pi", "//api", "*", "/static"}) {
        EXPECT_EQ(pool_of(routes, "a", path), "-") << path;
    }
    EXPECT_EQ(pool_of(routes, "a", "/static/"), "files");
    EXPECT_EQ(pool_of(routes, "a", "/static/x"), "files");
}

TEST(Route, TakesTheFirstThatMatches) {
    const std::vector<Route> routes{
        {"a.org", "/api", "one"}, {"a.org", "", "two"}, {"", "/api", "three"}, {"", "/", "four"}};
    EXPECT_EQ(pool_of(routes, "a.org", "/api/x"), "one");
    EXPECT_EQ(pool_of(routes, "a.org", "/"), "two");
    EXPECT_EQ(pool_of(routes, "b.org", "/api"), "three");
    EXPECT_EQ(pool_of(routes, "b.org", "/x"), "four");
    EXPECT_EQ(pool_of(routes, "b.org", "*"), "-");
}

TEST(Route, KnowsWhenAnEarlierOneTakesAllOfALaterOne) {
    const Route everything{"", "/", ""};
    const Route api{"", "/api", ""};
    const Route host{"a.org", "", ""};
    const Route below{"*.org", "", ""};
    const Route deeper{"*.a.org", "", ""};
    EXPECT_TRUE(covers(everything, api));
    EXPECT_FALSE(covers(api, everything));
    EXPECT_TRUE(covers(api, {"a.org", "/api/v1", ""}));
    EXPECT_FALSE(covers(api, {"", "/apis", ""}));
    EXPECT_TRUE(covers(host, {"a.org", "/x", ""}));
    EXPECT_FALSE(covers(host, api));
    EXPECT_TRUE(covers(below, host));
    EXPECT_TRUE(covers(below, deeper));
    EXPECT_FALSE(covers(deeper, below));
    EXPECT_FALSE(covers(deeper, host));
    EXPECT_FALSE(covers(below, everything));
    EXPECT_TRUE(covers(deeper, deeper));
}

}  // namespace
}  // namespace core::balance
