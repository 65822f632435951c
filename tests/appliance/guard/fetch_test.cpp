// Fetching: its time, size, sources and credentials, and that errors hold no secret.
#include "appliance/guard/fetch.hpp"

#include <gmock/gmock.h>

#include "appliance/guard/connection.hpp"
#include "tests/appliance/guard/site.hpp"

namespace appliance::guard {
namespace {

using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;

core::Result<Fetched> get(const std::string& url, core::Milliseconds timeout = 10s) {
    return fetch({url, "ann", "s3cret"}, {}, std::chrono::steady_clock::now() + timeout, {});
}

std::string error_of(const std::string& url, core::Milliseconds timeout = 10s) {
    const auto fetched = get(url, timeout);
    return fetched ? "no error: " + fetched->body : fetched.error().line();
}

std::string head(const std::string& lines) {
    return "HTTP/1.1 200 OK\r\n" + lines + "\r\n";
}

std::string redirect(const std::string& to, unsigned status = 302) {
    return "HTTP/1.1 " + std::to_string(status) + " X\r\nLocation: " + to + "\r\nContent-Length: 0\r\n\r\n";
}

// The authorization that a request carries; empty: none.
std::string authorization(const std::string& request) {
    const auto at = request.find("Authorization: ");
    return at == std::string::npos ? "" : request.substr(at + 15, request.find('\r', at) - at - 15);
}

TEST(Fetch, TakesSixteenMebibytesAndNotOneMore) {
    const Server full(std::string(answer_max, 'x'));
    EXPECT_EQ(get(full.url)->body.size(), answer_max);
    const Server more(std::string(answer_max + 1, 'x'));
    EXPECT_THAT(error_of(more.url), HasSubstr("longer than 16 MiB"));
    for (const std::string& framing :
         {head("") + std::string(answer_max, 'x'),
          head("Transfer-Encoding: chunked\r\n") + "1000000\r\n" + std::string(answer_max, 'x') + "\r\n0\r\n\r\n"}) {
        Server server("");
        server.site().raw = [&framing](const std::string&) { return framing; };
        EXPECT_EQ(get(server.url)->body.size(), answer_max);
    }
    Server endless("");
    endless.site().raw = [](const std::string&) { return head(""); };
    endless.site().endless = std::string(65536, 'x');
    EXPECT_THAT(error_of(endless.url), HasSubstr("longer than 16 MiB"));
}

TEST(Fetch, AHeadHasAsManyBytesAsTheLimit) {
    const auto sized = [](std::size_t size) {
        const std::string rest = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: \r\n\r\n";
        return "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: " + std::string(size - rest.size(), 'x') + "\r\n\r\n";
    };
    Server server("");
    server.site().raw = [&](const std::string&) { return sized(answer_head_max); };
    EXPECT_EQ(error_of(server.url), "no error: ");
    server.site().raw = [&](const std::string&) { return sized(answer_head_max + 1); };
    EXPECT_THAT(error_of(server.url), HasSubstr("its answer is not HTTP"));
}

TEST(Fetch, HeadersWithoutEndAreCutOffByTheirSizeOrByTheTime) {
    Server flood("");
    flood.site().raw = [](const std::string&) { return std::string("HTTP/1.1 200 OK\r\n"); };
    flood.site().endless = "X-Y: z\r\n";
    EXPECT_THAT(error_of(flood.url), HasSubstr("its answer is not HTTP"));
    Server drip("");
    drip.site().raw = flood.site().raw;
    drip.site().endless = "X-Y: z\r\n";
    drip.site().pause = 20ms;
    EXPECT_THAT(error_of(drip.url, 200ms), HasSubstr("no answer in time"));
}

TEST(Fetch, ABodyThatDripsIsCutOffByTheTime) {
    Server drip("");
    drip.site().raw = [](const std::string&) { return head("Content-Length: 100000\r\n"); };
    drip.site().endless = "x";
    drip.site().pause = 20ms;
    EXPECT_THAT(error_of(drip.url, 200ms), HasSubstr("no answer in time"));
}

TEST(Fetch, AClosedConnectionIsSaidToBeOne) {
    Server server("");
    server.site().raw = [](const std::string&) { return std::string(); };
    EXPECT_THAT(error_of(server.url), HasSubstr("closed the connection"));
    server.site().raw = [](const std::string&) { return head("Content-Length: 10\r\n") + "short"; };
    EXPECT_THAT(error_of(server.url), HasSubstr("closed the connection: in the middle of its answer"));
    EXPECT_THAT(error_of("http://127.0.0.1:1"), HasSubstr("Connection refused"));
    EXPECT_THAT(error_of("http://nowhere.invalid"), HasSubstr("its name cannot be looked up"));
}

TEST(Fetch, FiveRedirectsAreFollowedAndNotSix) {
    Server server("");
    const auto hops = [&server](unsigned last) {
        server.site().raw = [last](const std::string& request) {
            const auto hop = static_cast<unsigned>(request[5] - '0');
            return hop < last ? redirect("/" + std::to_string(hop + 1), hop % 2 == 0 ? 301 : 308)
                              : head("Content-Length: 2\r\n") + "ok";
        };
    };
    hops(redirects_max);
    EXPECT_EQ(error_of(server.url + "/0"), "no error: ok");
    EXPECT_EQ(get(server.url + "/0")->moved_to, "") << "it is the same origin";
    hops(redirects_max + 1);
    EXPECT_THAT(error_of(server.url + "/0"), HasSubstr("more than 5 redirects"));
}

TEST(Fetch, LocationsMayBeRelative) {
    Server server("");
    for (const char* to : {"/b/end", "end", "?end", "//HOST/b/end"}) {
        std::string location = to;
        if (const auto at = location.find("HOST"); at != std::string::npos) {
            location.replace(at, 4, server.url.substr(7));
        }
        server.site().raw = [location](const std::string& request) {
            return request.find("end") != std::string::npos ? head("Content-Length: 2\r\n") + "ok" : redirect(location);
        };
        EXPECT_EQ(error_of(server.url + "/b/start?x=1"), "no error: ok") << to;
    }
    for (const char* none : {"", "ftp://a.example/", "http://"}) {
        server.site().raw = [none](const std::string&) { return redirect(none); };
        EXPECT_THAT(error_of(server.url), HasSubstr("redirects to what is no URL")) << none;
    }
}

TEST(Fetch, APasswordIsSentToItsOwnOriginOnly) {
    std::string first;
    std::string second;
    Server other("");
    other.site().raw = [&second](const std::string& request) {
        second = authorization(request);
        return head("Content-Length: 2\r\n") + "ok";
    };
    Server server("");
    server.site().raw = [&](const std::string& request) {
        first = authorization(request);
        return redirect(other.url + "/a?token=t0ken");
    };
    const auto fetched = get(server.url);
    ASSERT_TRUE(fetched.has_value()) << fetched.error().line();
    EXPECT_EQ(fetched->moved_to, other.url);
    EXPECT_EQ(first, "Basic YW5uOnMzY3JldA==");
    EXPECT_EQ(second, "");
}

TEST(Fetch, AnErrorTellsWhereItWasSentAndNoSecret) {
    Server other("");
    other.site().raw = [](const std::string&) { return std::string("HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n"); };
    Server server("");
    server.site().raw = [&](const std::string&) {
        return redirect("http://bob:s3cret@" + other.url.substr(7) + "/s3cret");
    };
    const std::string error = error_of(server.url + "/s3cret?s3cret");
    EXPECT_EQ(error, "cannot ask " + server.url + ", which sends to " + other.url + ": status 404");
    EXPECT_THAT(error, Not(HasSubstr("s3cret")));
}

}  // namespace
}  // namespace appliance::guard
