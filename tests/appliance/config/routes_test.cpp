// [[listen.NAME.route]]: mistakes as data, and the exact lines an operator reads.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/appliance/config/problems.hpp"

namespace appliance::config {
namespace {

std::string site_of(std::string_view mode = "http") {
    return fmt::format(
        "[server.web1]\nhost = \"10.0.0.11\"\n[pool.app]\nport = 80\nservers = [\"web1\"]\n"
        "[listen.web]\naddress = \"0.0.0.0:80\"\npool = \"app\"\nmode = \"{}\"\n",
        mode);
}

// The problems of a file with rest from line 10 on, without the file's name.
std::vector<std::string> problems(const std::string& rest, std::string_view mode = "http") {
    return problem_list(site_of(mode) + rest);
}

using Lines = std::vector<std::string>;

TEST(Routes, OfGoodFormAreTaken) {
    EXPECT_EQ(problems("route = [{ path = \"/api\", pool = \"app\" }, { host = \"[::1]\", pool = \"app\" }]\n"),
              Lines{});
    EXPECT_EQ(problems("[[listen.web.route]]\nhost = \"*.a.org\"\npath = \"/%C3%A4\"\npool = \"app\"\n"), Lines{});
}

TEST(Routes, NameWhatIsWrongWithThemAndItsMend) {
    const std::vector<std::pair<std::string, Lines>> cases{
        {"route = 1", {"10:9: bad 'route' in [listen.web]: it is a whole number; write [[listen.web.route]]"}},
        {"route = [1]", {"10:10: [[listen.web.route]] is a whole number, not a table; write { key = value }"}},
        {"route = [{ pool = \"app\" }]", {"10:10: [[listen.web.route]] has no host and no path; add path = \"/api\""}},
        {"route = [{ path = \"api\", pool = \"app\" }]",
         {"10:19: bad 'path' in [[listen.web.route]]: 'api' is no path; begin it with '/', without query"}},
        {"route = [{ path = \"/a?b\", pool = \"app\" }]",
         {"10:19: bad 'path' in [[listen.web.route]]: '/a?b' is no path; begin it with '/', without query"}},
        {"route = [{ host = \"a.org:80\", pool = \"app\" }]",
         {"10:19: bad 'host' in [[listen.web.route]]: 'a.org:80' is no host; write a name as in \"www.example.org\" or "
          "\"*.example.org\", without port"}},
        {"route = [{ host = \"*\", pool = \"app\" }]",
         {"10:19: bad 'host' in [[listen.web.route]]: '*' is no host; write a name as in \"www.example.org\" or "
          "\"*.example.org\", without port"}},
        {"route = [{ path = \"/a\", pool = \"ap\" }]",
         {"10:32: unknown pool 'ap' in [[listen.web.route]]; did you mean 'app'?"}},
        {"route = [{ pth = \"/a\", pool = \"app\" }]",
         {"10:10: [[listen.web.route]] has no host and no path; add path = \"/api\"",
          "10:12: unknown key 'pth' in [[listen.web.route]]; did you mean 'path'?"}},
        {"route = [{ path = \"/\", pool = \"app\" }, { path = \"/a\", pool = \"app\" }]",
         {"10:40: this route of [listen.web] is never reached: the one for any host / takes all of it; put it before "
          "that one, or leave it out"}},
    };
    for (const auto& [text, expected] : cases) {
        EXPECT_EQ(problems(text + "\n"), expected) << text;
    }
}

TEST(Routes, MakeNoSenseForTcp) {
    EXPECT_EQ(problems("route = [{ path = \"/\", pool = \"app\" }]\n", "tcp"),
              (Lines{"10:9: bad 'route' in [listen.web]: a TCP connection has no host and no path; write mode = "
                     "\"http\", or leave the routes out"}));
}

TEST(Cookies, MakeNoSenseForTcp) {
    EXPECT_EQ(problems("[listen.raw]\naddress = \"0.0.0.0:81\"\nmode = \"tcp\"\npool = \"kept\"\n"
                       "[pool.kept]\nport = 80\nservers = [\"web1\"]\ncookie = \"stay\"\n"),
              (Lines{"13:8: [pool.kept] has a cookie, and TCP knows none; leave 'cookie' out there, use balance = "
                     "\"source_hash\", or write mode = \"http\""}));
    EXPECT_EQ(problems("[pool.kept]\nport = 80\nservers = [\"web1\"]\ncookie = \"stay\"\n"), Lines{});
}

TEST(Routes, AreBoundedInNumberAndLength) {
    const auto routes = [](std::size_t count) {
        std::string text = "route = [";
        for (std::size_t i = 0; i < count; ++i) {
            text += fmt::format("{{ path = \"/{}\", pool = \"app\" }}, ", i);
        }
        return text + "]\n";
    };
    EXPECT_EQ(problems(routes(Bounds::routes)), Lines{});
    EXPECT_EQ(
        problems(routes(Bounds::routes + 1)),
        Lines{"10:9: bad 'route' in [listen.web]: 257 routes are too many; at most 256 are allowed for a listener"});
    const auto path = [](std::size_t size) {
        return fmt::format("route = [{{ path = \"/{}\", pool = \"app\" }}]\n", std::string(size - 1, 'x'));
    };
    EXPECT_EQ(problems(path(Bounds::route_bytes)), Lines{});
    EXPECT_EQ(problems(path(Bounds::route_bytes + 1)).size(), 1U);
}

}  // namespace
}  // namespace appliance::config
