// Wrong configurations as data: what stands in the file, and the exact lines an operator reads.
#include "appliance/config/file/problem.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/appliance/config/problems.hpp"

namespace appliance::config {
namespace {

// A good file of 11 lines; a case puts its text in front of, or instead of, a line.
const std::vector<std::string> good = {
    "[listen.web]",              // 1
    "address = \"0.0.0.0:80\"",  // 2
    "pool = \"app\"",            // 3
    "[server.web1]",             // 4
    "host = \"10.0.0.11\"",      // 5
    "[server.web2]",             // 6
    "host = \"10.0.0.12\"",      // 7
    "[pool.app]",                // 8
    "port = 80",                 // 9
    "servers = [\"web1\"]",      // 10
    "check = {}",                // 11
};

struct Case {
    std::size_t line;  // which line of the good file is replaced; 12 appends
    std::string text;
    std::vector<std::string> problems;  // without the file's name
};

std::string with(std::size_t line, const std::string& text) {
    std::vector<std::string> lines = good;
    lines.resize(std::max(lines.size(), line));
    lines[line - 1] = text;
    return fmt::format("{}\n", fmt::join(lines, "\n"));
}

void hold(const std::vector<Case>& cases) {
    for (const Case& one : cases) {
        EXPECT_EQ(problem_list(with(one.line, one.text)), one.problems) << "line " << one.line << ": " << one.text;
    }
}

TEST(Problems, TheFileThatTheCasesStartFromIsGood) {
    EXPECT_EQ(problem_list(with(1, good[0])), (std::vector<std::string>{}));
}

TEST(Problems, AnUnknownKeyNamesTheNearestKnownOne) {
    hold({
        {2,
         "adress = \"0.0.0.0:80\"",
         {"1:9: [listen.web] has no 'address'; add address = \"0.0.0.0:80\"",
          "2:1: unknown key 'adress' in [listen.web]; did you mean 'address'?"}},
        {9, "port = 80\nblance = \"x\"", {"10:1: unknown key 'blance' in [pool.app]; did you mean 'balance'?"}},
        {11,
         "check = { intreval = \"1s\" }",
         {"11:11: unknown key 'intreval' in the check of [pool.app]; did you mean 'interval'?"}},
        {10,
         "servers = [{ name = \"web1\", wieght = 2 }]",
         {"10:29: unknown key 'wieght' in a server of [pool.app]; did you mean 'weight'?"}},
        {12, "[maintenence]", {"12:2: unknown key 'maintenence' in the file; did you mean 'maintenance'?"}},
        {3,
         "pool = \"app\"\nproxy_protocol = true",
         {"1:9: [listen.web] has no 'trusted', so anybody could claim to be anybody by a PROXY header; add trusted = "
          "[\"10.0.0.0/8\"], the load balancers before this one"}},
        {3,
         "pool = \"app\"\ntrusted = [\"10.0.0.1/8\"]",
         {"4:12: bad 'trusted' in [listen.web]: '10.0.0.1/8' has bits set behind its prefix; write 10.0.0.0/8 for the "
          "network, or 10.0.0.1 for the one address"}},
        {9,
         "port = 80\nproxy_protocol = \"v3\"",
         {"10:18: bad 'proxy_protocol' in [pool.app]: 'v3' is unknown; did you mean 'v1'?"}},
        {9,
         "port = 80\nhost = \"a b\"",
         {"10:8: bad 'host' in [pool.app]: 'a b' is no host; write a name as in \"www.example.org\", with a port where "
          "it needs one"}},
        {3,
         "pool = \"app\"\nmode = \"tcp\"\nvia = true",
         {"5:7: bad 'via' in [listen.web]: a TCP connection has no fields; leave it out, or write mode = \"http\""}},
        {12, "[fence]\ncolour = 1", {"13:1: unknown key 'colour' in [fence]; known keys: mode"}},
        {12, "[proxy]\nWorkers = 2", {"13:1: unknown key 'Workers' in [proxy]; did you mean 'workers'?"}},
    });
}

TEST(Problems, AnAddressSaysWhatIsWrongWithIt) {
    hold({
        {2,
         "address = \"0.0.0.0\"",
         {"2:11: bad 'address' in [listen.web]: '0.0.0.0' has no port; write ADDRESS:PORT, such as 0.0.0.0:80 or "
          "[::]:80"}},
        {2,
         "address = \"example.org:80\"",
         {"2:11: bad 'address' in [listen.web]: 'example.org' is not an IP address; write 0.0.0.0:80 or [::]:80 for "
          "all addresses, or one such as 10.0.0.11:80 or [2001:db8::11]:80"}},
        {2,
         "address = \"*:443\"",
         {"2:11: bad 'address' in [listen.web]: '*' is not an IP address; write 0.0.0.0:443 or [::]:443 for all "
          "addresses, or one such as 10.0.0.11:443 or [2001:db8::11]:443"}},
        {2,
         "address = \"0.0.0.0:0\"",
         {"2:11: bad 'address' in [listen.web]: port 0 is no port to listen on; write a port from 1 to 65535"}},
        {2,
         "address = \"0.0.0.0:65536\"",
         {"2:11: bad 'address' in [listen.web]: '65536' is not a port; a port is a number from 1 to 65535"}},
        {2,
         "address = \":::80\"",
         {"2:11: bad 'address' in [listen.web]: ':::80' is ambiguous; write an IPv6 address in brackets, such as "
          "[::]:80"}},
        {2, "address = 80", {"2:11: bad 'address' in [listen.web]: it is a whole number; write a string"}},
        {2,
         "address = \"\"",
         {"2:11: bad 'address' in [listen.web]: it is empty; write a value or leave 'address' out"}},
        {5,
         "host = \"10.0.0.256\"",
         {"5:8: bad 'host' in [server.web1]: '10.0.0.256' is not an IP address; write an address such as 10.0.0.11, or "
          "a name such as web1.example.org"}},
        {5,
         "host = \"::\"",
         {"5:8: bad 'host' in [server.web1]: '::' is no machine's address; write the address of the server itself"}},
        {5, "", {"4:9: [server.web1] has no 'host'; add host = \"10.0.0.11\""}},
        {9, "port = 0", {"9:8: bad 'port' in [pool.app]: 0 is out of range; write a number from 1 to 65535"}},
        {9, "port = 65536", {"9:8: bad 'port' in [pool.app]: 65536 is out of range; write a number from 1 to 65535"}},
        {9, "port = \"80\"", {"9:8: bad 'port' in [pool.app]: it is a string; write a whole number"}},
        {9, "", {"8:7: [pool.app] has no 'port'; add port = 80"}},
    });
}

TEST(Problems, AReferenceToAnUnknownNameNamesTheNearest) {
    hold({
        {3, "pool = \"ap\"", {"3:8: unknown pool 'ap' in [listen.web]; did you mean 'app'?"}},
        {3, "", {"1:9: [listen.web] has no 'pool'; add pool = \"app\""}},
        {10, "servers = [\"wbe1\"]", {"10:12: unknown server 'wbe1' in [pool.app]; did you mean 'web1'?"}},
        {10, "servers = [\"database\"]", {"10:12: unknown server 'database' in [pool.app]; known servers: web1, web2"}},
        {10, "servers = []", {"10:11: [pool.app] has no servers; add servers = [\"web1\"]"}},
        {10, "", {"8:7: [pool.app] has no servers; add servers = [\"web1\"]"}},
        {10, "servers = \"web1\"", {"10:11: bad 'servers' in [pool.app]: it is a string; write servers = [\"web1\"]"}},
        {10,
         "servers = [1]",
         {"10:12: bad server in [pool.app]: it is a whole number; write \"web1\" or { name = \"web1\", weight = 2 }"}},
        {10, "servers = [{ weight = 2 }]", {"10:12: a server of [pool.app] has no 'name'; add name = \"web1\""}},
    });
}

TEST(Problems, WhatIsGivenTwiceIsRefused) {
    hold({
        {6,
         "[server.web1]",
         {"6:1: duplicate name: cannot redefine existing table 'server.web1'; keep one of the two, or rename one"}},
        {12,
         "[listen.other]\naddress = \"0.0.0.0:80\"\npool = \"app\"",
         {"13:11: bad 'address' in [listen.other]: [listen.web] listens on 0.0.0.0:80 already; give each listener an "
          "address or a port of its own"}},
        {10,
         "servers = [\"web1\", \"web1\"]",
         {"10:20: 'web1' in [pool.app] is 10.0.0.11:80 again, as 'web1' is; leave one of the two out, or give it a "
          "port of its own"}},
        {7, "host = \"10.0.0.11\"\n", {}},
        {2,
         "address = \"10.0.0.11:80\"",
         {"2:11: [listen.web] takes the address of backend 'web1' of [pool.app], 10.0.0.11:80; a request would go "
          "round in circles: change one of the two"}},
        {5,
         "host = \"127.0.0.1\"",
         {"2:11: [listen.web] takes the address of backend 'web1' of [pool.app], 127.0.0.1:80; a request would go "
          "round in circles: change one of the two"}},
    });
}

TEST(Problems, ACheckIsHeldToItsRanges) {
    const std::string of = " in the check of [pool.app]: ";
    hold({
        {11, "check = { fall = 0 }", {"11:18: bad 'fall'" + of + "0 is out of range; write a number from 1 to 100"}},
        {11,
         "check = { rise = 101 }",
         {"11:18: bad 'rise'" + of + "101 is out of range; write a number from 1 to 100"}},
        {11, "check = { fall = 100, rise = 1 }", {}},
        {11,
         "check = { interval = 2 }",
         {"11:22: bad 'interval'" + of + "2 has no unit; write a duration, such as \"2s\""}},
        {11,
         "check = { interval = \"2\" }",
         {"11:22: bad 'interval'" + of +
          "'2' is not a duration; write a number and a unit, such as 500ms, 2s, 30m or 2h30m"}},
        {11,
         "check = { interval = \"1s\", timeout = \"2s\" }",
         {"11:38: bad 'timeout'" + of +
          "2s is longer than the interval of 1s; a probe must end before the next begins: shorten it or lengthen the "
          "interval"}},
        {11, "check = { interval = \"500ms\" }", {}},
        {11,
         "check = { interval = \"99ms\" }",
         {"11:22: bad 'interval'" + of + "'99ms' is out of range; write a duration from 100ms to 1d"}},
        {11, "check = { type = \"tpc\" }", {"11:18: bad 'type'" + of + "'tpc' is unknown; did you mean 'tcp'?"}},
        {11,
         "check = { type = \"tcp\", path = \"/\" }",
         {"11:32: bad 'path'" + of + "a tcp check only connects; leave it out, or write type = \"http\""}},
        {11,
         "check = { method = \"POST\" }",
         {"11:20: bad 'method'" + of + "'POST' is unknown; known values: HEAD, GET, OPTIONS"}},
        {11,
         "check = { path = \"up\" }",
         {"11:18: bad 'path'" + of +
          "'up' is not a path; begin it with '/', without spaces or '#', at most 1024 bytes"}},
        {11,
         "check = { path = \"/a\\r\\nX: y\" }",
         {"11:18: bad 'path'" + of + "it holds a control character; write a value or leave 'path' out"}},
        {11,
         "check = { host = \"a b\" }",
         {"11:18: bad 'host'" + of +
          "'a b' is not a host name; write it as a browser sends it, such as www.example.org"}},
        {11, "check = \"http\"", {"11:9: the check of [pool.app] is a string, not a table; write { key = value }"}},
    });
}

TEST(Problems, WhatACheckSendsAndPassesWithIsHeldToWhatItCanBe) {
    const std::string of = " in the check of [pool.app]: ";
    const std::string no_statuses =
        "it names no final statuses, each once; write a status from 200 to 599, a class such as "
        "\"2xx\", or a list of at most 16";
    const std::string as_header = "; write it as \"X-Forwarded-Proto: https\"";
    hold({
        {11, "check = { expect = 99 }", {"11:20: bad 'expect'" + of + no_statuses}},
        {11, "check = { expect = 600 }", {"11:20: bad 'expect'" + of + no_statuses}},
        {11, "check = { expect = [200, \"1xx\"] }", {"11:20: bad 'expect'" + of + no_statuses}},
        {11, "check = { expect = [200, 200] }", {"11:20: bad 'expect'" + of + no_statuses}},
        {11, "check = { expect = [] }", {"11:20: bad 'expect'" + of + no_statuses}},
        {11, "check = { expect = true }", {"11:20: bad 'expect'" + of + no_statuses}},
        {11, "check = { port = 0 }", {"11:18: bad 'port'" + of + "0 is out of range; write a number from 1 to 65535"}},
        {11,
         "check = { headers = [\"Host: a\"] }",
         {"11:22: bad 'headers'" + of + "the key 'host' says what Host is" + as_header}},
        {11,
         "check = { headers = [\"connection: close\"] }",
         {"11:22: bad 'headers'" + of + "Gatehouse alone says connection" + as_header}},
        {11,
         "check = { headers = [\"X-Y\"] }",
         {"11:22: bad 'headers'" + of + "'X-Y' is not a name, a colon and a value of at most 1024 bytes in all" +
          as_header}},
        {11,
         "check = { headers = [\"X: a\\r\\nY: b\"] }",
         {"11:22: bad 'headers'" + of + "'X: a??Y: b' is not a name, a colon and a value of at most 1024 bytes in all" +
          as_header}},
        {11,
         "[deploy.app]\npool = \"app\"\nrun = \"x\"\nverify_headers = [\"Host: a\", 5]",
         {"14:19: bad 'verify_headers' in [deploy.app]: the key 'verify_host' says what Host is" + as_header,
          "14:30: bad 'verify_headers' in [deploy.app]: a whole number is no header" + as_header}},
        {11,
         "[deploy.app]\npool = \"app\"\nrun = \"x\"\nverify_port = 65536",
         {"14:15: bad 'verify_port' in [deploy.app]: 65536 is out of range; write a number from 0 to 65535"}},
        {11,
         "check = { type = \"tcp\", headers = [] }",
         {"11:35: bad 'headers'" + of + "a tcp check only connects; leave it out, or write type = \"http\""}},
    });
}

TEST(Problems, TheApplianceItselfIsHeldToItsRanges) {
    hold({
        {12, "[fence]\nmode = \"rest\"", {"13:8: bad 'mode' in [fence]: 'rest' is unknown; did you mean 'reset'?"}},
        {12,
         "[maintenance]\npage = \"nonexistent/page.html\"",
         {"13:8: bad 'page' in [maintenance]: cannot read 'nonexistent/page.html': No such file or directory; write "
          "the page's path, relative to this file"}},
        {12,
         "[maintenance]\npage = \"/etc/page.html\"",
         {"13:8: bad 'page' in [maintenance]: cannot read '/etc/page.html': it leads out of the folder of the "
          "configuration, .; write the page's path, relative to this file"}},
        {12,
         "[maintenance]\nretry_after = \"500ms\"",
         {"13:15: bad 'retry_after' in [maintenance]: '500ms' is out of range; write a duration from 1s to 30d"}},
        {12,
         "[control]\nsocket = \"control.sock\"",
         {"13:10: bad 'socket' in [control]: 'control.sock' is not a socket's path; write an absolute path of at most "
          "107 bytes"}},
        {12,
         "[proxy]\nworkers = -1",
         {"13:11: bad 'workers' in [proxy]: -1 is out of range; write a number from 0 to 1024"}},
        {12,
         "[proxy]\nuser = \"no-such-user\"",
         {"13:8: bad 'user' in [proxy]: there is no user 'no-such-user'; create it with: useradd --system "
          "no-such-user"}},
        {12,
         "[timeouts]\nconnect = 1.5",
         {"13:11: bad 'connect' in [timeouts]: it is a date or fraction; write a string"}},
        {12, "[log]\nexchanges = \"yes\"", {"13:13: bad 'exchanges' in [log]: it is a string; write true or false"}},
        {12,
         "[server.\"web 3\"]\nhost = \"10.0.0.13\"",
         {"12:9: bad name 'web 3'; write at most 63 letters, digits, '-', '_' or '.', beginning with a letter or "
          "digit"}},
    });
}

TEST(Problems, EveryProblemIsToldInTheOrderOfTheFile) {
    EXPECT_EQ(problem_list("[listen.web]\naddress = \"0.0.0.0:0\"\npool = \"nobody\"\nx = 1\n[pool.app]\nport = 0\n"),
              (std::vector<std::string>{
                  "2:11: bad 'address' in [listen.web]: port 0 is no port to listen on; write a port from 1 to 65535",
                  "3:8: unknown pool 'nobody' in [listen.web]; known pools: app",
                  "4:1: unknown key 'x' in [listen.web]; known keys: address, pool, mode, trusted, proxy_protocol, "
                  "proto, forwarded, via, request_id, route",
                  "5:7: [pool.app] has no servers; add servers = [\"web1\"]",
                  "6:8: bad 'port' in [pool.app]: 0 is out of range; write a number from 1 to 65535",
              }));
}

TEST(Problems, ATableThatIsNoneIsOneProblem) {
    EXPECT_EQ(problem_list(with(8, "[pool]\napp = 1\n[fence]")).front(),
              "9:7: [pool.app] is a whole number, not a table; write { key = value }");
    EXPECT_EQ(problem_list("[[listen]]\naddress = \"0.0.0.0:80\"\n"),
              (std::vector<std::string>{"1:1: 'listen' is a list, not a table; write [listen.NAME]"}));
}

TEST(Problems, KeysWithDotsAreTablesToo) {
    EXPECT_EQ(
        problem_list("listen.web.address = \"0.0.0.0:80\"\nlisten.web.pool = \"app\"\nserver.a.host = \"10.0.0.1\"\n"
                     "pool.app.port = 80\npool.app.servers = [\"a\"]\n"),
        (std::vector<std::string>{}));
}

// Operators save half a file, and editors write rubbish into one: never a crash, never an empty list of problems, and
// each problem within the file.
TEST(Problems, AnyDamageToAFileIsAListOfProblemsOrHarmless) {
    const std::string text = with(12, "[maintenance]\nretry_after = \"2m\"\n[proxy]\nuser = \"nobody\"");
    const std::string bytes = std::string("\"[]={}\\#'\n,.-+0a") + '\0' + '\x7f' + '\xff' + '\xc3';
    const auto try_out = [](const std::string& damaged) {
        const auto config = parse(damaged, "g.toml");
        if (config) {
            return;
        }
        ASSERT_FALSE(config.error().empty()) << damaged;
        for (const Problem& problem : config.error()) {
            EXPECT_GE(problem.line, 1U) << damaged;
            EXPECT_GE(problem.column, 1U) << damaged;
            EXPECT_EQ(problem.text().find('\n'), std::string::npos) << damaged;
        }
    };
    for (std::size_t at = 0; at < text.size(); ++at) {
        try_out(text.substr(0, at));
        try_out(std::string(text).erase(at, 1));
        for (const char byte : bytes) {
            std::string damaged = text;
            damaged[at] = byte;
            try_out(damaged);
        }
    }
}

TEST(Problems, AnEmptyFileSaysWhatToBeginWith) {
    EXPECT_EQ(problem_list(""),
              (std::vector<std::string>{"1:1: nothing to listen on; add [listen.NAME] with an address and a pool"}));
}

TEST(Problems, TextThatIsNotTomlIsPlacedWhereItBreaks) {
    const auto lines = problem_list("[listen.web\naddress = 1\n");
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_THAT(lines.front(), testing::StartsWith("1:12: not TOML: "));
    const auto broken_off = problem_list("a = t\n");
    ASSERT_EQ(broken_off.size(), 1U);
    EXPECT_THAT(broken_off.front(), testing::Not(testing::HasSubstr("\n"))) << "a problem is one line";
    EXPECT_FALSE(problem_list(std::string("a = \"\0\"", 7)).empty());
    EXPECT_FALSE(problem_list("\xff\xfe = 1").empty());
    EXPECT_FALSE(problem_list("a = " + std::string(100'000, '[')).empty());
}

TEST(Problems, AKeyWithALineBreakStaysOneLine) {
    EXPECT_EQ(problem_list(with(12, "\"a\\nb\" = 1")).front().find('\n'), std::string::npos);
}

}  // namespace
}  // namespace appliance::config
