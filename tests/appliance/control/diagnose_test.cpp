// What the machine can reach, asked over the API; its log; and the document for others.
#include "appliance/control/diagnose/diagnose.hpp"

#include <gmock/gmock.h>
#include <netinet/in.h>

#include <thread>

#include "appliance/control/routes/routes.hpp"
#include "appliance/control/routes/support.hpp"
#include "tests/appliance/control/memory_fixture.hpp"

namespace appliance::control {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

// A port of the loopback with a listening socket, until it is closed.
struct Listening {
    Descriptor socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    std::uint16_t port = 0;

    Listening() {
        sockaddr_storage storage{};
        socklen_t length = core::Address::parse("127.0.0.1:0")->fill(storage);
        EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&storage), length), 0);
        EXPECT_EQ(::listen(socket.get(), 8), 0);
        length = sizeof storage;
        ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&storage), &length);
        port = core::Address::from(storage).port();
    }
};

// A place; a thread that has just asked the name service may still hold it.
diagnose::Place take_place() {
    diagnose::Place place = diagnose::take_place();
    for (const auto deadline = diagnose::Clock::now() + 10s; !place && diagnose::Clock::now() < deadline;) {
        std::this_thread::yield();
        place = diagnose::take_place();
    }
    EXPECT_TRUE(place);
    return place;
}

TEST(Connect, SaysWhichAddressAnswered) {
    const Listening there;
    const auto answer = diagnose::connect("127.0.0.1", there.port, 5s, take_place());
    EXPECT_EQ(answer["connected"], true) << answer;
    EXPECT_EQ(answer["address"], "127.0.0.1:" + std::to_string(there.port));
    EXPECT_EQ(answer["error"], "");
}

TEST(Connect, SaysTheKernelsOwnError) {
    Listening gone;
    gone.socket.reset();
    const auto answer = diagnose::connect("127.0.0.1", gone.port, 5s, take_place());
    EXPECT_EQ(answer["connected"], false);
    EXPECT_EQ(answer["error"], "Connection refused");
    EXPECT_EQ(answer["tried"].size(), 1U);
}

TEST(Resolve, FindsLocalhostAndTakesNumbersAsTheyAre) {
    EXPECT_THAT(diagnose::resolve("localhost", 5s, take_place())["addresses"].dump(),
                testing::AnyOf(HasSubstr("127.0.0.1"), HasSubstr("::1")));
    const auto numbers = diagnose::resolve("fd00::11", 1ms, take_place());
    EXPECT_EQ(numbers["addresses"][0], "fd00::11");
    EXPECT_EQ(numbers["resolved"], true);
}

TEST(Resolve, SaysWhyThereIsNone) {
    const auto answer = diagnose::resolve("nothing.invalid", 10s, take_place());
    EXPECT_EQ(answer["resolved"], false);
    EXPECT_NE(answer["error"], "");
    EXPECT_TRUE(answer["addresses"].empty());
}

TEST(Ping, HearsTheLoopbackOrSaysWhatIsMissing) {
    for (const char* host : {"127.0.0.1", "::1"}) {
        const auto answer = diagnose::ping(host, 2, 5s, take_place());
        if (answer["sent"] == 0) {
            EXPECT_THAT(answer["error"].get<std::string>(), testing::AnyOf(HasSubstr("net.ipv4.ping_group_range"),
                                                                           HasSubstr("address"), HasSubstr("network")));
            continue;
        }
        EXPECT_EQ(answer["received"], 2) << answer;
        EXPECT_LE(answer["least_ms"], answer["most_ms"]);
    }
}

TEST(Places, AreAHandful) {
    std::vector<diagnose::Place> taken;
    for (unsigned i = 0; i < diagnose::at_once_max; ++i) {
        taken.push_back(take_place());
    }
    EXPECT_FALSE(diagnose::take_place());
    taken.pop_back();
    EXPECT_TRUE(diagnose::take_place());
}

class ControlThatDiagnoses : public ControlInMemory {
protected:
    int status_of(const char* what, const json& body) {
        return ask({"POST", std::string("/v1/diagnose/") + what, {}, body.dump(), {0, 1, "root"}}).status;
    }
    api::Reply get(const char* path, std::map<std::string, std::string> query = {}) {
        return ask({"GET", path, std::move(query), "", {0, 1, "root"}});
    }
};

TEST_F(ControlThatDiagnoses, HoldsToItsBounds) {
    EXPECT_EQ(status_of("connect", {{"host", "127.0.0.1"}, {"port", 65'535}, {"timeout_ms", 10'000}}), 200);
    EXPECT_EQ(status_of("connect", {{"host", "127.0.0.1"}, {"port", 65'536}}), 400);
    EXPECT_EQ(status_of("connect", {{"host", "127.0.0.1"}, {"port", 0}}), 400);
    EXPECT_EQ(status_of("connect", {{"host", "127.0.0.1"}, {"port", 1}, {"timeout_ms", 10'001}}), 400);
    EXPECT_EQ(status_of("connect", {{"host", "127.0.0.1"}, {"port", 1}, {"timeout_ms", 0}}), 400);
    EXPECT_EQ(status_of("resolve", {{"name", std::string(253, 'x')}, {"timeout_ms", 1}}), 200);
    EXPECT_EQ(status_of("resolve", {{"name", std::string(254, 'x')}, {"timeout_ms", 1}}), 400);
    EXPECT_EQ(status_of("resolve", {{"name", ""}}), 400);
    EXPECT_EQ(status_of("resolve", {{"name", std::string("a\0b", 3)}}), 400);
    EXPECT_EQ(status_of("resolve", {{"name", "a b"}}), 400);
    EXPECT_EQ(status_of("ping", {{"host", "127.0.0.1"}, {"count", 10}, {"timeout_ms", 1}}), 200);
    EXPECT_EQ(status_of("ping", {{"host", "127.0.0.1"}, {"count", 11}}), 400);
    EXPECT_EQ(status_of("ping", {{"host", "127.0.0.1"}, {"count", 0}}), 400);
}

TEST_F(ControlThatDiagnoses, TurnsTheFifthAway) {
    std::vector<diagnose::Place> others;
    for (unsigned i = 0; i < diagnose::at_once_max; ++i) {
        others.push_back(take_place());
    }
    EXPECT_EQ(status_of("ping", {{"host", "127.0.0.1"}, {"timeout_ms", 1}}), 503);
    EXPECT_EQ(get("/v1/support").status, 503);
    others.clear();
    EXPECT_EQ(get("/v1/support").status, 200);
}

TEST_F(ControlThatDiagnoses, SaysWhereAFenceIsTheReason) {
    ASSERT_TRUE(control_->fence(order({"web1"})).has_value());
    EXPECT_EQ(control_->fence_note(*core::Address::parse("10.0.0.11:80")), "web1 is fenced by ann: deploy");
    EXPECT_EQ(control_->fence_note(*core::Address::parse("10.0.0.12:80")), "");
}

TEST_F(ControlThatDiagnoses, ShowsTheEndOfItsLog) {
    for (unsigned i = 0; i < 1'500; ++i) {
        control_->log("test", {{"number", i}});
    }
    const auto shown = json::parse(get("/v1/log", {{"lines", "1000"}}).body);
    EXPECT_EQ(shown["lines"].size(), 1'000U);
    EXPECT_EQ(shown["lines"].back()["number"], 1'499);
    EXPECT_EQ(shown["more"], true);
    EXPECT_EQ(json::parse(get("/v1/log").body)["lines"].size(), 100U);
    EXPECT_EQ(get("/v1/log", {{"lines", "1001"}}).status, 400);
    EXPECT_EQ(get("/v1/log", {{"lines", "0"}}).status, 400);
    EXPECT_EQ(get("/v1/log", {{"lines", "x"}}).status, 400);
}

TEST_F(ControlThatDiagnoses, SupportHasItAllButTheSecrets) {
    std::ofstream(folder_ / "g.toml", std::ios::app)
        << "[access.ci]\nrole = \"read\"\ntoken_sha256 = \"" << std::string(64, 'a') << "\"\n";
    ASSERT_TRUE(control_->fence(order({"web2"})).has_value());
    const auto reply = get("/v1/support");
    const auto document = json::parse(reply.body);
    for (const char* part : {"version", "kernel", "up_since", "status", "rules", "metrics", "audit", "log"}) {
        EXPECT_TRUE(document.contains(part) && !document[part].contains("error")) << part;
    }
    EXPECT_EQ(document["rules"]["fences"].size(), 1U);
    EXPECT_THAT(document["configuration"]["text"].get<std::string>(), HasSubstr("token_sha256 = \"***\""));
    EXPECT_EQ(reply.body.find(std::string(64, 'a')), std::string::npos);
}

}  // namespace
}  // namespace appliance::control
