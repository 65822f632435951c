// Everything that a fetch waits for, receives or keeps has a limit. At the limit it works; past it the fetch ends with
// an error that names the limit. Time bounds are generous: a missed deadline is missed by far.
#include <gmock/gmock.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "appliance/guard/calendar/components.hpp"
#include "appliance/guard/fetch.hpp"
#include "appliance/guard/guard.hpp"
#include "core/http/fields.hpp"
#include "tests/appliance/guard/site.hpp"

namespace appliance::guard {
namespace {

using testing::HasSubstr;
using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto far_later = 60s;  // than any of these takes

// What a fetch ends with: its body, or its error.
std::string told_by(const std::string& url, core::Milliseconds timeout = far_later) {
    const auto fetched = fetch({url, {}, {}}, {}, Clock::now() + timeout, {});
    return fetched ? "body: " + fetched->body.substr(0, 100) : fetched.error().line();
}

std::string secure(const std::string& url) {
    return "https" + url.substr(4);
}

std::string answer_with(const std::string& lines, const std::string& body = "ok") {
    return "HTTP/1.1 200 OK\r\n" + lines + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

TEST(Limits, AHeadHasAsManyFieldsAsTheLimit) {
    Server server("");
    const auto fields = [&server](std::size_t count) {
        std::string lines;
        for (std::size_t i = 1; i < count; ++i) {
            lines += "X-Y: z\r\n";
        }
        server.site().raw = [lines](const std::string&) { return answer_with(lines); };
        return told_by(server.url);
    };
    EXPECT_EQ(fields(core::http::Limits{}.fields), "body: ok");
    EXPECT_THAT(fields(core::http::Limits{}.fields + 1), HasSubstr("its answer is not HTTP"));
}

TEST(Limits, SevenInterimAnswersMayGoAheadAndNotOneMore) {
    Server server("");
    const auto interim = [&server](unsigned count) {
        std::string before;
        for (unsigned i = 0; i < count; ++i) {
            before += "HTTP/1.1 100 Continue\r\n\r\n";
        }
        server.site().raw = [before](const std::string&) { return before + answer_with(""); };
        return told_by(server.url);
    };
    EXPECT_EQ(interim(7), "body: ok");
    EXPECT_THAT(interim(8), HasSubstr("nothing but interim answers"));
}

TEST(Limits, AServerThatSaysNothingIsGivenUpWithAndWithoutTls) {
    Server server("");
    server.site().talk = [](const core::base::Descriptor& connection) {
        std::array<char, 1024> bytes{};
        while (::recv(connection.get(), bytes.data(), bytes.size(), 0) > 0) {
        }
    };
    EXPECT_THAT(told_by(server.url, 200ms), HasSubstr("no answer in time"));
    EXPECT_THAT(told_by(secure(server.url), 200ms), HasSubstr("no answer in time"));
}

TEST(Limits, AHandshakeThatDripsIsCutOffByTheTimeAndOneWithoutEndByTls) {
    const auto drip = [](std::chrono::milliseconds pause, const std::string& again) {
        return [pause, again](const core::base::Descriptor& connection) {
            std::array<char, 1024> hello{};
            static_cast<void>(::recv(connection.get(), hello.data(), hello.size(), 0));
            // A record of a handshake message (RFC 8446, section 5.1) that will never be complete.
            bool taken = tests::support::send_all(connection.get(), std::string("\x16\x03\x03\x40\x00\x02", 6));
            while (taken) {
                std::this_thread::sleep_for(pause);
                taken = tests::support::send_all(connection.get(), again);
            }
        };
    };
    Server slow("");
    slow.site().talk = drip(20ms, "x");
    EXPECT_THAT(told_by(secure(slow.url), 300ms), HasSubstr("no answer in time"));
    Server flood("");
    flood.site().talk = drip(0ms, std::string(65536, 'x'));
    EXPECT_THAT(told_by(secure(flood.url)), HasSubstr("no TLS connection"));
}

TEST(Limits, RedirectsShareTheOneDeadline) {
    Server server("");
    server.site().raw = [](const std::string& request) {
        std::this_thread::sleep_for(300ms);
        const auto hop = static_cast<unsigned>(request[5] - '0');
        return hop < 4 ? "HTTP/1.1 302 X\r\nLocation: /" + std::to_string(hop + 1) + "\r\nContent-Length: 0\r\n\r\n"
                       : answer_with("");
    };
    EXPECT_EQ(told_by(server.url + "/0"), "body: ok");
    EXPECT_THAT(told_by(server.url + "/0", 1s), HasSubstr("no answer in time")) << "none of the five takes so long";
}

TEST(Limits, ARedirectToItselfEnds) {
    Server server("");
    server.site().raw = [](const std::string&) {
        return std::string("HTTP/1.1 301 X\r\nLocation: /\r\nContent-Length: 0\r\n\r\n");
    };
    EXPECT_THAT(told_by(server.url), HasSubstr("more than 5 redirects"));
    EXPECT_EQ(server.site().asked, redirects_max + 1);
}

TEST(Limits, ChunksOfOneByteAreCutOffByWhatTheyTakeOnTheWire) {
    std::string chunks;
    for (int i = 0; i < 8192; ++i) {
        chunks += "1\r\nx\r\n";
    }
    Server server("");
    server.site().raw = [](const std::string&) {
        return std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    };
    server.site().endless = chunks;
    EXPECT_THAT(told_by(server.url), HasSubstr("it sends more than 64 MiB"));
}

TEST(Limits, NothingIsInflated) {
    Server server("");
    for (const char* coding : {"gzip", "br", "Deflate", "zstd, gzip"}) {
        server.site().raw = [coding](const std::string&) {
            return answer_with(std::string("Content-Encoding: ") + coding + "\r\n", "\x1f\x8b");
        };
        EXPECT_THAT(told_by(server.url), HasSubstr("its answer is compressed: Content-Encoding: ")) << coding;
    }
    for (const char* none : {"identity", "UTF-8"}) {
        server.site().raw = [none](const std::string&) {
            return answer_with(std::string("Content-Encoding: ") + none + "\r\n");
        };
        EXPECT_EQ(told_by(server.url), "body: ok") << none;
    }
    server.site().raw = [](const std::string&) {
        return std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n");
    };
    EXPECT_THAT(told_by(server.url), HasSubstr("its answer is not HTTP"));
}

TEST(Limits, AnswersThatAreHeldTogetherHaveALimitTogether) {
    const Server server(std::string(1000, 'x'));
    {
        AnswerMemory others;
        ASSERT_TRUE(others.take(answers_together_max - 1000));
        EXPECT_THAT(told_by(server.url), HasSubstr("body: xxx"));
        ASSERT_TRUE(others.take(1));
        EXPECT_THAT(told_by(server.url), HasSubstr("no memory for its answer"));
    }
    AnswerMemory all;
    EXPECT_TRUE(all.take(answers_together_max)) << "all is given back";
}

TEST(Limits, ACalendarHasAsManyPartsAsTheLimit) {
    const auto calendar = [](std::size_t parts) {
        std::string text = "BEGIN:VCALENDAR\nBEGIN:VEVENT\n";  // two
        for (std::size_t i = 2; i < parts; ++i) {
            text += "UID:\n";
        }
        return text + "END:VEVENT\nEND:VCALENDAR\n";
    };
    EXPECT_TRUE(read_components(calendar(parts_max)));
    const auto more = read_components(calendar(parts_max + 1));
    ASSERT_FALSE(more);
    EXPECT_THAT(more.error().line(), HasSubstr("the calendar is too large"));
}

config::Guard guard_of(config::GuardKind kind, core::Milliseconds timeout) {
    config::Guard guard;
    guard.name = "guard";
    guard.kind = kind;
    guard.secret = "secret";
    guard.timeout = timeout;
    return guard;
}

constexpr auto many_servers = 40;  // more than are asked at once

TEST(Limits, AllServersOfAGuardShareItsOneTimeout) {
    Server server("");
    server.site().silent = true;
    config::Guard guard = guard_of(config::GuardKind::bigbluebutton, 2s);
    guard.urls.assign(many_servers, {server.url, {}, {}});
    const auto begun = Clock::now();
    const auto said = ask({guard}, core::base::wall_now(), 0ms).front();
    EXPECT_LT(Clock::now() - begun, 30s) << "one after the other they would take 80 s";
    EXPECT_EQ(said.verdict, Verdict::unknown);
    EXPECT_THAT(said.why, HasSubstr("no answer in time"));
}

TEST(Limits, AllServersOfAGuardAreAsked) {
    Server server(no_meetings);
    config::Guard guard = guard_of(config::GuardKind::bigbluebutton, far_later);
    guard.urls.assign(many_servers, {server.url, {}, {}});
    const auto said = ask({guard}, core::base::wall_now(), 0ms).front();
    EXPECT_EQ(said.verdict, Verdict::allowed) << said.why;
    EXPECT_EQ(server.site().asked, many_servers);
}

TEST(Limits, WhetherNowAndWhenNextIsOneQuestionToEachSource) {
    Server server("[]");
    config::Guard guard = guard_of(config::GuardKind::schedule, far_later);
    guard.source.url = server.url + "/meetings.json";
    const core::WallTime moment = core::base::wall_now();
    const auto outlook = look({guard, guard}, moment, 1h, moment);
    EXPECT_TRUE(agree(outlook.opinions)) << summary(outlook.opinions);
    EXPECT_EQ(outlook.next_free, moment);
    EXPECT_EQ(server.site().asked, 2U);
    server.site().status = 500;
    const auto dead = look({guard}, moment, 1h, moment);
    EXPECT_EQ(dead.opinions.front().verdict, Verdict::unknown);
    EXPECT_FALSE(dead.next_free) << "what is not known is not free";
}

}  // namespace
}  // namespace appliance::guard
