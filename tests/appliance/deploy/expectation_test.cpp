#include "appliance/deploy/visit/expectation.hpp"

#include <gmock/gmock.h>
#include <sys/socket.h>

#include <array>
#include <thread>

#include "tests/appliance/deploy/world.hpp"
#include "tests/support/socket_pair.hpp"

namespace appliance::deploy {
namespace {

using testing::HasSubstr;

Answer answer(std::string body, unsigned status = 200) {
    Answer made;
    made.status = status;
    made.body = std::move(body);
    made.fields = {{"X-Release", "2.3"}, {"Vary", "*"}};
    return made;
}

config::Recipe expecting(std::string config::Recipe::*field, std::string value) {
    config::Recipe recipe;
    recipe.*field = std::move(value);
    return recipe;
}

TEST(Expectation, WantsTheStatus) {
    EXPECT_EQ(*judge({}, answer("")), "200");
    EXPECT_EQ(judge({}, answer("", 204)).error().what, "status 204 and not 200");
}

TEST(Expectation, WantsTheText) {
    const auto recipe = expecting(&config::Recipe::expect_body, "release 2.3");
    EXPECT_EQ(*judge(recipe, answer("<p>release 2.3</p>")), "200, contains 'release 2.3'");
    EXPECT_EQ(judge(recipe, answer("\n\n<h1>release 2.2</h1>\nmore")).error().line(),
              "the body does not contain 'release 2.3': it begins: \"<h1>release 2.2</h1>\"");
    EXPECT_EQ(judge(recipe, answer("")).error().why, "it is empty");
    EXPECT_EQ(judge(recipe, answer(std::string(120, 'x'))).error().why, "it begins: \"" + std::string(120, 'x') + "\"");
    EXPECT_EQ(judge(recipe, answer(std::string(121, 'x'))).error().why,
              "it begins: \"" + std::string(120, 'x') + "\" ...");
}

TEST(Expectation, WantsTheExpression) {
    const auto recipe = expecting(&config::Recipe::expect_regex, "^release 2\\.[3-9]$");
    EXPECT_TRUE(judge(recipe, answer("a\nrelease 2.4\nb")).has_value());
    EXPECT_FALSE(judge(recipe, answer("release 2.2")).has_value());
}

TEST(Expectation, AnExpressionThatWouldRunForEverIsEnded) {
    const auto recipe = expecting(&config::Recipe::expect_regex, "^(a+)+$");
    EXPECT_THAT(judge(recipe, answer(std::string(5'000, 'a') + "b")).error().line(), HasSubstr("cannot match"));
}

TEST(Expectation, WantsTheFieldOfTheJson) {
    const auto recipe = expecting(&config::Recipe::expect_json, "/release/name = 2.3");
    EXPECT_TRUE(judge(recipe, answer(R"({"release":{"name":"2.3"}})")).has_value());
    EXPECT_THAT(judge(recipe, answer(R"({"release":{"name":2.4}})")).error().what, HasSubstr("is '2.4' and not '2.3'"));
    EXPECT_THAT(judge(recipe, answer(R"({"release":{}})")).error().what, HasSubstr("has no /release/name"));
    EXPECT_THAT(judge(recipe, answer("<html>")).error().what, HasSubstr("not JSON"));
}

TEST(Expectation, WantsTheHeader) {
    const auto recipe = expecting(&config::Recipe::expect_header, "x-release: 2.3");
    EXPECT_TRUE(judge(recipe, answer("")).has_value());
    EXPECT_THAT(judge(expecting(&config::Recipe::expect_header, "X-Release: 2.4"), answer("")).error().what,
                HasSubstr("is '2.3' and not '2.4'"));
    EXPECT_THAT(judge(expecting(&config::Recipe::expect_header, "X-None: 1"), answer("")).error().what,
                HasSubstr("no header X-None"));
}

class VisitTest : public testing::Test {
protected:
    core::Result<Answer> go(const std::string& path, std::chrono::milliseconds time = std::chrono::seconds(10)) {
        Visit target;
        target.to = server_.address;
        target.path = path;
        return visit(core::base::Descriptor(::socket(AF_INET, SOCK_STREAM, 0)), target, Clock::now() + time, stop_);
    }

    WebServer server_{"web1"};
    std::atomic<bool> stop_ = false;
};

TEST_F(VisitTest, BringsBackStatusFieldsAndBody) {
    const auto got = go("/hello");
    ASSERT_TRUE(got.has_value()) << got.error().line();
    EXPECT_EQ(got->status, 200U);
    EXPECT_THAT(got->body, HasSubstr("web1: GET /hello"));
    EXPECT_FALSE(got->fields.empty());
}

TEST_F(VisitTest, ReadsChunks) {
    EXPECT_EQ(go("/chunked?size=100000")->body.size(), 100'000U);
}

TEST_F(VisitTest, KeepsAsMuchOfABodyAsItLooksAt) {
    EXPECT_EQ(go("/bytes?size=1048576")->body.size(), body_max);
    EXPECT_EQ(go("/bytes?size=1048577")->body.size(), body_max);
    EXPECT_EQ(go("/chunked?size=2000000")->body.size(), body_max);
}

TEST_F(VisitTest, LeavesFromThePoolsAddress) {
    Visit target;
    target.to = server_.address;
    const auto from = [&](const char* source) {
        target.source = *core::Address::parse(source);
        return visit(core::base::Descriptor(::socket(AF_INET, SOCK_STREAM, 0)), target,
                     Clock::now() + std::chrono::seconds(10), stop_);
    };
    EXPECT_EQ(from("127.0.0.41:0")->status, 200U);
    EXPECT_THAT(from("203.0.113.1:0").error().line(), HasSubstr("no connection from 203.0.113.1"));
}

TEST_F(VisitTest, EndsAtItsDeadline) {
    EXPECT_THAT(go("/slow?ms=20000", std::chrono::milliseconds(50)).error().line(), HasSubstr("its time is over"));
}

TEST_F(VisitTest, EndsWhenItIsToldTo) {
    stop_ = true;
    EXPECT_THAT(go("/slow?ms=20000").error().line(), HasSubstr("stopped"));
}

// Answers one visit with these bytes; what came of it.
core::Result<Answer> visit_answered(const std::string& bytes, const core::http::Limits& limits = {}) {
    Visit target;
    const core::base::Descriptor listening = tests::listen_on_loopback(target.to);
    target.answer = limits;
    std::thread server([&] {
        const core::base::Descriptor visitor(::accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC));
        std::array<char, 4096> request;
        static_cast<void>(::recv(visitor.get(), request.data(), request.size(), 0));
        static_cast<void>(::send(visitor.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL));
    });
    const std::atomic<bool> stop = false;
    auto got = visit(core::base::Descriptor(::socket(AF_INET, SOCK_STREAM, 0)), target,
                     Clock::now() + std::chrono::seconds(10), stop);
    server.join();
    return got;
}

TEST(VisitOfAnOddServer, TakesWhatVisitorsTake) {
    const auto got = visit_answered(
        "HTTP/1.1 200 OK\nContent-Length: 9\nX: a\n b\nTransfer-Encoding: chunked\n\n2  \r\nhi\r\n0  \r\n\r\n");
    ASSERT_TRUE(got.has_value()) << got.error().line();
    EXPECT_EQ(got->body, "hi");
    EXPECT_THAT(got->fields, testing::Contains(std::pair<std::string, std::string>("X", "a b")));
}

TEST(VisitOfAnOddServer, TakesHeadsAsLongAsTheLimit) {
    const std::string before = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: ";
    const std::string head = before + std::string(20'000 - before.size() - 4, 'x') + "\r\n\r\n";
    EXPECT_THAT(visit_answered(head).error().line(), HasSubstr("too large"));
    EXPECT_THAT(visit_answered(head, {.head = 19'999}).error().line(), HasSubstr("too large"));
    EXPECT_EQ(visit_answered(head, {.head = 20'000})->status, 200U);
}

TEST_F(VisitTest, SaysThatTheServerRefuses) {
    Visit target;
    target.to = *core::Address::parse("127.0.0.1:1");
    const auto got = visit(core::base::Descriptor(::socket(AF_INET, SOCK_STREAM, 0)), target,
                           Clock::now() + std::chrono::seconds(5), stop_);
    EXPECT_THAT(got.error().line(), HasSubstr("refused"));
}

}  // namespace
}  // namespace appliance::deploy
