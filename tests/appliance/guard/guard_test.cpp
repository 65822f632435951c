#include "appliance/guard/guard.hpp"

#include <gmock/gmock.h>
#include <sys/socket.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <thread>

#include "appliance/config/load.hpp"
#include "appliance/guard/bigbluebutton.hpp"
#include "appliance/guard/fetch.hpp"
#include "tests/support/sockets.hpp"

namespace appliance::guard {
namespace {

using config::Guard;
using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;

// Real answers, as BigBlueButton's documentation has them.
constexpr const char* no_meetings =
    "<response><returncode>SUCCESS</returncode><meetings/><messageKey>noMeetings</messageKey>"
    "<message>no meetings were found on this server</message></response>";
constexpr const char* failed =
    "<response><returncode>FAILED</returncode><messageKey>checksumError</messageKey>"
    "<message>Checksums do not match</message></response>";

std::string meeting(unsigned participants, const std::string& metadata = {}) {
    return "<meeting><meetingName>Physics</meetingName><meetingID>p1</meetingID><running>true</running>"
           "<hasUserJoined>true</hasUserJoined><participantCount>" +
           std::to_string(participants) + "</participantCount><attendees/><metadata>" + metadata +
           "</metadata></meeting>";
}

std::string with(const std::string& meetings) {
    return "<response><returncode>SUCCESS</returncode><meetings>" + meetings + "</meetings></response>";
}

// What a server answers with.
struct Site {
    std::string body;
    unsigned status = 200;
    std::string wants;  // the path with its query; anything else is answered as a wrong checksum is
    bool silent = false;
};

// Speaks as much HTTP as it takes.
void answer(const core::base::Descriptor& connection, const Site& site) {
    std::string request;
    char byte = 0;
    while (request.find("\r\n\r\n") == std::string::npos && ::recv(connection.get(), &byte, 1, 0) == 1) {
        request += byte;
    }
    if (site.silent) {
        static_cast<void>(::recv(connection.get(), &byte, 1, 0));
        return;
    }
    const bool right = site.wants.empty() || request.starts_with("GET " + site.wants + " ");
    const std::string body = right ? site.body : failed;
    tests::support::send_all(connection.get(), "HTTP/1.1 " + std::to_string(site.status) +
                                                   " X\r\nContent-Length: " + std::to_string(body.size()) +
                                                   "\r\nConnection: close\r\n\r\n" + body);
}

class Server {
public:
    explicit Server(std::string body, unsigned status = 200)
        : site_(std::make_shared<Site>(Site{std::move(body), status, {}, false})),
          listener_(*tests::support::listen_on(*core::Address::parse("127.0.0.1:0"))) {
        sockaddr_storage storage{};
        socklen_t size = sizeof(storage);
        ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&storage), &size);
        url = "http://" + core::Address::from(storage).text();
        thread_ = std::thread([this] {
            // A connection may outlive the server.
            tests::support::serve(listener_.get(),
                                  [site = site_](core::base::Descriptor connection) { answer(connection, *site); });
        });
    }
    ~Server() {
        ::shutdown(listener_.get(), SHUT_RDWR);
        thread_.join();
    }
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    // Before anybody asks.
    Site& site() { return *site_; }

    std::string url;

private:
    std::shared_ptr<Site> site_;
    core::base::Descriptor listener_;
    std::thread thread_;
};

Guard meetings_of(const std::vector<std::string>& urls) {
    Guard guard;
    guard.name = "bbb";
    guard.kind = config::GuardKind::bigbluebutton;
    for (const std::string& url : urls) {
        guard.urls.push_back({url, {}, {}});
    }
    guard.secret = "639259d4-9dd8-4b25-bf01-95f9567eaf4b";
    guard.timeout = 2s;
    return guard;
}

const core::WallTime now = *core::base::parse_time("2026-11-23T12:00:00Z");  // a Monday

Opinion opinion(const Guard& guard, core::Milliseconds length = {}) {
    return ask({guard}, now, length, now).front();
}

TEST(BigBlueButton, TheChecksumIsThatOfTheDocumentation) {
    // sha1("getMeetings" + the secret of the documentation's example).
    EXPECT_EQ(meetings_query("639259d4-9dd8-4b25-bf01-95f9567eaf4b", config::Checksum::sha1).size(), 22U + 40U);
    EXPECT_EQ(meetings_query("", config::Checksum::sha1),
              "/getMeetings?checksum=" + meetings_query("", config::Checksum::sha1).substr(22));
    EXPECT_EQ(meetings_query("s", config::Checksum::sha256).size(), 22U + 64U);
    EXPECT_EQ(meetings_query("s", config::Checksum::sha384).size(), 22U + 96U);
    EXPECT_EQ(meetings_query("s", config::Checksum::sha512).size(), 22U + 128U);
}

TEST(BigBlueButton, CountsMeetingsAndParticipants) {
    const auto read = read_meetings(with(meeting(3) + meeting(0) + meeting(9)));
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(read->running, 2U);
    EXPECT_EQ(read->empty, 1U);
    EXPECT_EQ(read->participants, 12U);
}

TEST(BigBlueButton, MetadataWithNamesThatNoElementHasIsNoMatter) {
    const auto read = read_meetings(with(meeting(1, "<1st>x</1st><a b>&</a b>") + meeting(2)));
    ASSERT_TRUE(read.has_value()) << read.error().line();
    EXPECT_EQ(read->running, 2U);
}

TEST(BigBlueButton, WhatIsNoAnswerOfItsIsAnError) {
    EXPECT_THAT(read_meetings(failed).error().line(), HasSubstr("Checksums do not match"));
    EXPECT_FALSE(read_meetings("<!doctype html><html><body>nginx</body></html>").has_value());
    EXPECT_FALSE(read_meetings("").has_value());
    EXPECT_FALSE(read_meetings("<response><returncode>SUCCESS</returncode></response>").has_value());
    EXPECT_FALSE(read_meetings(with("<meeting><meetingID>1</meetingID></meeting>")).has_value());
    EXPECT_FALSE(read_meetings(with(meeting(1)).substr(0, 150)).has_value()) << "cut off";
}

TEST(Guards, NoMeetingAllows) {
    const Server server(no_meetings);
    const auto said = opinion(meetings_of({server.url}));
    EXPECT_EQ(said.verdict, Verdict::allowed) << said.why;
}

TEST(Guards, ARunningMeetingBlocksAndSaysWhere) {
    const Server server(with(meeting(3) + meeting(0)));
    const auto said = opinion(meetings_of({server.url}));
    EXPECT_EQ(said.verdict, Verdict::blocked);
    EXPECT_EQ(said.why, server.url + ": 1 meeting, 3 participants");
}

TEST(Guards, TheWrongSecretIsUnknown) {
    Server server(no_meetings);
    server.site().wants = "/getMeetings?checksum=something-else";
    const auto said = opinion(meetings_of({server.url}));
    EXPECT_EQ(said.verdict, Verdict::unknown);
    EXPECT_THAT(said.why, HasSubstr("checksumError"));
}

TEST(Guards, OnlyTheRightChecksumIsSent) {
    Server server(no_meetings);
    Guard guard = meetings_of({server.url + "/bigbluebutton/api"});
    server.site().wants = "/bigbluebutton/api" + meetings_query(guard.secret, config::Checksum::sha512);
    EXPECT_EQ(opinion(guard).verdict, Verdict::unknown);
    guard.checksum = config::Checksum::sha512;
    EXPECT_EQ(opinion(guard).verdict, Verdict::allowed);
}

TEST(Guards, EmptyMeetingsCountWhereTheyShall) {
    const Server server(with(meeting(0)));
    Guard guard = meetings_of({server.url});
    EXPECT_EQ(opinion(guard).verdict, Verdict::allowed);
    guard.empty = config::EmptyMeeting::count;
    EXPECT_EQ(opinion(guard).verdict, Verdict::blocked);
}

TEST(Guards, AMeetingMayOnlyWarn) {
    const Server server(with(meeting(2)));
    Guard guard = meetings_of({server.url});
    guard.on_meeting = config::OnMeeting::warn;
    const auto said = ask({guard}, now, 0ms, now);
    EXPECT_EQ(said.front().verdict, Verdict::warned);
    EXPECT_TRUE(agree(said));
    EXPECT_THAT(summary(said), HasSubstr("bbb warned: "));
}

TEST(Guards, OfTwoServersADeadOneIsUnknownAndMeetingsAreStillTold) {
    const Server server(with(meeting(2)));
    const auto said = opinion(meetings_of({server.url, "http://127.0.0.1:1"}));
    EXPECT_EQ(said.verdict, Verdict::unknown);
    EXPECT_THAT(said.why, HasSubstr("1 meeting, 2 participants"));
    EXPECT_THAT(said.why, HasSubstr("no connection"));
}

TEST(Guards, WhoeverDoesNotAnswerIsUnknown) {
    Server server(no_meetings);
    server.site().silent = true;
    Guard guard = meetings_of({server.url});
    guard.timeout = 100ms;
    const auto said = opinion(guard);
    EXPECT_EQ(said.verdict, Verdict::unknown);
    EXPECT_THAT(said.why, HasSubstr("no answer in time"));
    EXPECT_THAT(said.why, Not(HasSubstr("checksum=")));
}

TEST(Guards, AnErrorOrHtmlIsUnknown) {
    const Server broken("oops", 502);
    EXPECT_THAT(opinion(meetings_of({broken.url})).why, HasSubstr("status 502"));
    const Server html("<html>Welcome to nginx<br></html>");
    EXPECT_EQ(opinion(meetings_of({html.url})).verdict, Verdict::unknown);
}

TEST(Fetch, TakesSixteenMebibytesAndNotOneMore) {
    const Server full(std::string(answer_max, 'x'));
    EXPECT_EQ(fetch({full.url, {}, {}}, {}, 10s, {})->body.size(), answer_max);
    const Server more(std::string(answer_max + 1, 'x'));
    EXPECT_THAT(fetch({more.url, {}, {}}, {}, 10s, {}).error().line(), HasSubstr("longer than 16 MiB"));
}

Guard windows(std::vector<const char*> allow, std::vector<const char*> forbid = {},
              std::vector<const char*> dates = {}) {
    Guard guard;
    guard.name = "nights";
    guard.kind = config::GuardKind::windows;
    for (const char* text : allow) {
        guard.allow.push_back(*config::parse_window(text));
    }
    for (const char* text : forbid) {
        guard.forbid.push_back(*config::parse_window(text));
    }
    for (const char* text : dates) {
        guard.dates.push_back(*config::parse_dates(text));
    }
    return guard;
}

TEST(Guards, AWindowAllowsWhatFitsIntoIt) {
    const Guard guard = windows({"Mon 11:00-13:00"});
    EXPECT_EQ(opinion(guard, 60min).verdict, Verdict::allowed);
    const auto said = opinion(guard, 61min);
    EXPECT_EQ(said.verdict, Verdict::blocked);
    EXPECT_EQ(core::base::print_time(*said.until), "2026-11-30T11:00:00Z");
}

TEST(Guards, ForbiddenWindowsAndDaysBlock) {
    EXPECT_EQ(opinion(windows({}, {"daily 12:00-13:00"})).verdict, Verdict::blocked);
    EXPECT_EQ(opinion(windows({}, {"daily 13:00-14:00"})).verdict, Verdict::allowed);
    EXPECT_EQ(opinion(windows({}, {"daily 13:00-14:00"}), 2h).verdict, Verdict::blocked);
    const auto said = opinion(windows({}, {}, {"2026-11-20..2026-11-23"}));
    EXPECT_EQ(said.verdict, Verdict::blocked);
    EXPECT_EQ(core::base::print_time(*said.until), "2026-11-24T00:00:00Z");
}

class ScheduleTest : public testing::Test {
protected:
    ScheduleTest() {
        std::string name = "/tmp/gatehouse-guard-XXXXXX";
        folder_ = ::mkdtemp(name.data());
        guard_.name = "calendar";
        guard_.kind = config::GuardKind::schedule;
        guard_.source.url = folder_ / "meetings.json";
    }
    ~ScheduleTest() override { std::filesystem::remove_all(folder_); }
    void write(const std::string& text) const { std::ofstream(guard_.source.url) << text; }

    std::filesystem::path folder_;
    Guard guard_;
};

TEST_F(ScheduleTest, AMeetingBlocksWithItsMargin) {
    write(R"([{"from": "2026-11-23T13:30:00Z", "duration": "1h", "what": "Board"}])");
    EXPECT_EQ(opinion(guard_, 29min).verdict, Verdict::allowed);
    const auto said = opinion(guard_, 31min);
    EXPECT_EQ(said.verdict, Verdict::blocked);
    EXPECT_THAT(said.why, HasSubstr("Board from 2026-11-23 13:30 UTC to 2026-11-23 14:30 UTC, 1h before"));
    EXPECT_EQ(core::base::print_time(*said.until), "2026-11-23T15:30:00Z");
    guard_.margin = 0ms;
    EXPECT_EQ(opinion(guard_, 89min).verdict, Verdict::allowed);
}

TEST_F(ScheduleTest, ReadsACalendarOverHttp) {
    const Server server(
        "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20261123T120000Z\r\n"
        "DTEND:20261123T130000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n");
    guard_.source.url = server.url + "/meetings.ics";
    EXPECT_EQ(opinion(guard_).verdict, Verdict::blocked);
}

TEST_F(ScheduleTest, WhatCannotBeReadIsUnknownAndThereIsNoFreeWindow) {
    EXPECT_EQ(opinion(guard_).verdict, Verdict::unknown);
    write("not yet");
    EXPECT_EQ(opinion(guard_).verdict, Verdict::unknown);
    EXPECT_FALSE(next_free({guard_}, now, 1h).has_value());
}

TEST_F(ScheduleTest, TheNextFreeWindowHeedsAllOfThem) {
    write(R"([{"from": "2026-11-23T14:00:00Z", "duration": "1h"}])");
    const Guard allowed = windows({"Mon 12:00-18:00"});
    EXPECT_EQ(core::base::print_time(*next_free({guard_, allowed}, now, 1h)), "2026-11-23T12:00:00Z");
    EXPECT_EQ(core::base::print_time(*next_free({guard_, allowed}, now, 90min)), "2026-11-23T16:00:00Z");
    EXPECT_EQ(core::base::print_time(*next_free({guard_, allowed}, now, 3h)), "2026-11-30T12:00:00Z");
    EXPECT_FALSE(next_free({guard_, allowed}, now, 7h).has_value());
}

TEST(Guards, WithoutAnyEverythingIsAllowed) {
    EXPECT_TRUE(agree({}));
    EXPECT_EQ(summary({}), "no guard is configured");
}

// Configuration.

std::string problem_of(const std::string& guard) {
    const auto parsed = config::parse(
        "[listen.a]\naddress = \"127.0.0.1:1\"\nmode = \"tcp\"\npool = \"p\"\n"
        "[server.s]\nhost = \"10.0.0.1\"\n[pool.p]\nport = 2\nservers = [\"s\"]\n"
        "[proxy]\nuser = \"root\"\n" +
            guard,
        "/tmp/gatehouse-no-such/g.toml");
    std::string all = parsed ? "fine" : "";
    for (const auto& problem : parsed ? config::Problems{} : parsed.error()) {
        all += problem.text() + "\n";
    }
    return all;
}

TEST(GuardConfiguration, SaysWhatIsWrong) {
    EXPECT_EQ(
        problem_of("[guard.w]\nkind = \"windows\"\nallow = [\"Mon 06:00-08:00\"]\ntimezone = \"Europe/Berlin\"\n"),
        "fine");
    EXPECT_THAT(problem_of("[guard.w]\n"), HasSubstr("has no kind"));
    EXPECT_THAT(problem_of("[guard.w]\nkind = \"window\"\n"), HasSubstr("window"));
    EXPECT_THAT(problem_of("[guard.w]\nkind = \"windows\"\n"), HasSubstr("has no windows"));
    EXPECT_THAT(problem_of("[guard.w]\nkind = \"windows\"\nallow = [\"Mon 6-8\"]\n"), HasSubstr("'Mon 6-8'"));
    EXPECT_THAT(problem_of("[guard.w]\nkind = \"windows\"\nallow = [\"Mon 06:00-08:00\"]\ntimezone = \"Berlin\"\n"),
                HasSubstr("no time zone 'Berlin'"));
    EXPECT_THAT(problem_of("[guard.w]\nkind = \"windows\"\nallow = [\"Mon 06:00-08:00\"]\ntimezone = \"" +
                           std::string(5000, 'x') + "\"\n"),
                HasSubstr("no time zone"));
    EXPECT_THAT(
        problem_of("[guard.w]\nkind = \"windows\"\nallow = [\"Mon 06:00-08:00\"]\ntimezone = \"../../etc/passwd\"\n"),
        HasSubstr("no time zone"));
    EXPECT_THAT(problem_of("[guard.b]\nkind = \"bigbluebutton\"\nurls = [\"bbb.example.org\"]\n"),
                HasSubstr("is no URL"));
    EXPECT_THAT(problem_of("[guard.b]\nkind = \"bigbluebutton\"\nurls = [\"https://b/\"]\nsecret_file = \"s\"\n"),
                HasSubstr("/tmp/gatehouse-no-such/s"));
    EXPECT_THAT(problem_of("[guard.s]\nkind = \"schedule\"\n"), HasSubstr("source"));
    EXPECT_THAT(problem_of("[guard.s]\nkind = \"schedule\"\nsource = \"a\"\nallow = [\"Mon 06:00-08:00\"]\n"),
                HasSubstr("unknown key 'allow'"));
}

}  // namespace
}  // namespace appliance::guard
