#include "appliance/api/client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/appliance/api/unix_server.hpp"

namespace appliance::api {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using tests::Prepared;
using tests::UnixServer;

TEST(Client, GetsAnAnswerOverTheSocket) {
    UnixServer server({{200, "{\"a\":1}", "application/json; charset=utf-8"}});
    const auto answer = Client(server.path()).get("/v1/status");
    ASSERT_TRUE(answer) << answer.error().line();
    EXPECT_EQ(answer->status, 200U);
    EXPECT_EQ(answer->type, "application/json");
    EXPECT_EQ(answer->body, "{\"a\":1}");
    EXPECT_THAT(server.stop().front(), StartsWith("GET /v1/status HTTP/1.1\r\n"));
    EXPECT_THAT(server.stop().front(), HasSubstr("Host: localhost\r\n"));
}

TEST(Client, PostsJson) {
    UnixServer server({{201, "done", "text/plain"}});
    const auto answer = Client(server.path()).post("/v1/fence", "{\"servers\":[\"web1\"]}");
    ASSERT_TRUE(answer) << answer.error().line();
    EXPECT_EQ(answer->status, 201U);
    EXPECT_EQ(answer->body, "done");
    const std::string request = server.stop().front();
    EXPECT_THAT(request, StartsWith("POST /v1/fence HTTP/1.1\r\n"));
    EXPECT_THAT(request, HasSubstr("Content-Type: application/json\r\n"));
    EXPECT_THAT(request, testing::EndsWith("\r\n\r\n{\"servers\":[\"web1\"]}"));
}

TEST(Client, ARefusalIsAnAnswerAndNoError) {
    UnixServer server({{422, "{\"error\":{\"what\":\"no\"}}"}});
    const auto answer = Client(server.path()).post("/v1/reload", "{}");
    ASSERT_TRUE(answer) << answer.error().line();
    EXPECT_EQ(answer->status, 422U);
    EXPECT_EQ(answer->body, "{\"error\":{\"what\":\"no\"}}");
}

TEST(Client, AnAnswerOfAMegabyteArrivesWhole) {
    const std::string body(std::size_t{1} << 20, 'x');
    UnixServer server({{200, body, "text/plain"}});
    const auto answer = Client(server.path()).get("/v1/rules?format=nft");
    ASSERT_TRUE(answer) << answer.error().line();
    EXPECT_EQ(answer->body, body);
}

TEST(Client, ASocketThatIsNotThereAsksWhetherTheDaemonRuns) {
    const auto answer = Client("/nonexistent/control.sock").get("/v1/status");
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().line(),
              "cannot reach gatehouse at /nonexistent/control.sock: No such file or directory; is gatehouse running? "
              "start it with: gatehouse run -c FILE, or name its socket with --socket");
}

TEST(Client, ASocketThatAKilledDaemonLeftBehindIsRefused) {
    UnixServer server({Prepared{}});
    server.stop();
    const auto answer = Client(server.path()).get("/v1/status");
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().os_error, ECONNREFUSED);
    EXPECT_THAT(answer.error().line(), HasSubstr("is gatehouse running?"));
}

TEST(Client, ASocketOfAnotherGroupNamesTheGroup) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "needs root, to become a user who may not";
    }
    UnixServer server({Prepared{}});
    // Run in a child: a process that has given up root cannot get it back.
    EXPECT_EXIT(
        {
            const bool dropped = ::setgid(65534) == 0 && ::setuid(65534) == 0;
            const auto answer = Client(server.path()).get("/v1/status");
            std::fputs(answer ? "answered" : answer.error().line().c_str(), stderr);
            std::_Exit(dropped && !answer ? 3 : 0);
        },
        testing::ExitedWithCode(3), "Permission denied; use sudo, or become a member of the group");
}

TEST(Client, APathTooLongForASocketSaysSo) {
    const auto answer = Client("/" + std::string(107, 'x')).get("/v1/status");
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().os_error, ENAMETOOLONG);
}

TEST(Client, ADaemonThatGoesAwayMidwayIsAnError) {
    UnixServer server({{0, ""}});
    const auto answer = Client(server.path()).post("/v1/fence", "{}");
    ASSERT_FALSE(answer);
    EXPECT_THAT(answer.error().line(), HasSubstr("it went away before it answered"));
    EXPECT_EQ(server.stop().size(), 1U) << "a change must never be sent twice";
}

TEST(Client, ADaemonThatIsStuckIsGivenUp) {
    UnixServer server({{UnixServer::silence, ""}});
    const auto answer = Client(server.path()).get("/v1/status", std::chrono::milliseconds(100));
    ASSERT_FALSE(answer);
    EXPECT_THAT(answer.error().line(), HasSubstr("no answer within 100ms"));
}

TEST(Place, IsAHostAndMayHaveAPort) {
    const auto text_of = [](std::string_view text) {
        const auto place = Place::parse(text);
        return place ? place->host + " " + std::to_string(place->port) : place.error().what;
    };
    EXPECT_EQ(text_of("gate.example.org"), "gate.example.org 8443");
    EXPECT_EQ(text_of("10.0.0.5:9443"), "10.0.0.5 9443");
    EXPECT_EQ(text_of("[fd00::5]:65535"), "fd00::5 65535");
    EXPECT_EQ(text_of("[fd00::5]"), "fd00::5 8443");
    EXPECT_EQ(text_of("fd00::5"), "fd00::5 8443");
    EXPECT_EQ(Place::parse("fd00::5")->text(), "[fd00::5]:8443");
    for (const char* wrong :
         {"", ":8443", "a:0", "a:65536", "a:", "a:8443x", "https://a", "[fd00::5", "[a]8443", "a b"}) {
        EXPECT_EQ(text_of(wrong), "'" + std::string(wrong) + "' is no host");
    }
}

TEST(Client, AFileThatIsNotThereIsNamed) {
    Place place;
    place.host = "127.0.0.1";
    place.ca_file = "/nonexistent/ca.pem";
    const auto answer = Client(place).get("/v1/status");
    ASSERT_FALSE(answer);
    EXPECT_THAT(answer.error().line(), StartsWith("cannot read /nonexistent/ca.pem"));
}

}  // namespace
}  // namespace appliance::api
