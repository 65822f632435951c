#include "appliance/control/routes/routes.hpp"

#include <algorithm>

#include "appliance/control/routes/read_order.hpp"
#include "tests/appliance/control/memory_fixture.hpp"

namespace appliance::control {
namespace {

struct BadRequest {
    const char* method;
    const char* path;
    const char* body;
    int status;
};

class ControlWithRoutes : public ControlInMemory {
protected:
    AuditEntry last_change() {
        const auto entries = audit().last(1);
        return entries && !entries->empty() ? entries->front() : AuditEntry{};
    }
};

// As deep as a body of the largest size can be; and as wide. Copying what is so deep overflows the stack.
TEST_F(ControlWithRoutes, RefuseJsonThatIsTooDeepOrHasTooManyValues) {
    constexpr std::size_t most = 500'000;
    const std::string deep = R"({"x":)" + std::string(most, '[') + std::string(most, ']') + "}";
    std::string wide = R"({"x":[0)";
    while (wide.size() < most) {
        wide += ",0";
    }
    for (const Route& route : routes()) {
        if (route.method != "POST") {
            continue;
        }
        for (const std::string& body : {deep, wide + "]}"}) {
            const auto reply = ask({"POST", std::string(route.path), {}, body, {0, 1, "root"}});
            EXPECT_EQ(reply.status, 400) << route.path;
            EXPECT_THAT(reply.body, testing::HasSubstr("the request's body is not a JSON object")) << route.path;
        }
    }
    EXPECT_EQ(last_change().id, 0) << "what is refused so is not written down";
}

class ControlWithBadRequests : public ControlWithRoutes, public testing::WithParamInterface<BadRequest> {};

TEST_P(ControlWithBadRequests, RefusesThem) {
    const BadRequest& bad = GetParam();
    api::Request request{bad.method, bad.path, {}, bad.body, {0, 1, "root"}};
    const auto reply = ask(request);
    EXPECT_EQ(reply.status, bad.status) << reply.body;
    EXPECT_TRUE(json::parse(reply.body).contains("error"));
    EXPECT_TRUE(fenced().empty());
}

INSTANTIATE_TEST_SUITE_P(
    Api, ControlWithBadRequests,
    testing::Values(BadRequest{"GET", "/v1/nothing", "", 404}, BadRequest{"PUT", "/v1/status", "", 405},
                    BadRequest{"GET", "/v1/deploy/nothing", "", 404}, BadRequest{"POST", "/v1/status", "", 405},
                    BadRequest{"POST", "/v1/fence", "{", 400}, BadRequest{"POST", "/v1/fence", "{}", 400},
                    BadRequest{"POST", "/v1/fence", R"({"servers":[]})", 400},
                    BadRequest{"POST", "/v1/fence", R"({"servers":[7]})", 400},
                    BadRequest{"POST", "/v1/fence", R"({"servers":["web1"],"mode":"hard"})", 400},
                    BadRequest{"POST", "/v1/fence", R"({"servers":["web1"],"drain_ms":-1})", 400},
                    BadRequest{"POST", "/v1/fence", R"({"servers":["web1"],"for_ms":"1h"})", 400},
                    BadRequest{"POST", "/v1/fence", R"({"servers":["web1"],"kill":"hard"})", 400},
                    BadRequest{"POST", "/v1/fence", R"({"servers":["web1"],"why":"a\u0000b"})", 400},
                    BadRequest{"POST", "/v1/fence", R"({"servers":["web1"],"claimed_by":"\u0000"})", 400},
                    BadRequest{"POST", "/v1/fence", R"({"servers":["web1"],"kill":true,"drain_ms":1})", 400},
                    BadRequest{"POST", "/v1/fence", R"({"servers":["web1"],"pool":"none"})", 404},
                    BadRequest{"POST", "/v1/fence", R"({"servers":["web2"],"pool":"chat"})", 404},
                    BadRequest{"POST", "/v1/unfence", R"({"servers":["none"]})", 404},
                    BadRequest{"POST", "/v1/weight", R"({"servers":["web1"]})", 400},
                    BadRequest{"POST", "/v1/weight", R"({"servers":["web1"],"weight":0})", 400},
                    BadRequest{"POST", "/v1/weight", R"({"servers":["web1"],"weight":257})", 400},
                    BadRequest{"POST", "/v1/weight", R"({"servers":["web1"],"weight":1.5})", 400},
                    BadRequest{"POST", "/v1/weight", R"({"servers":["web1"],"weight":2,"reset":true})", 400},
                    BadRequest{"POST", "/v1/weight", R"({"servers":["web1"],"reset":"yes"})", 400},
                    BadRequest{"POST", "/v1/weight", R"({"servers":["none"],"weight":2})", 404},
                    BadRequest{"POST", "/v1/deploy",
                               R"({"strategy":"rolling","pool":"app","run":"ssh {hots} x","why":"x"})", 400},
                    BadRequest{"POST", "/v1/deploy",
                               R"({"strategy":"rolling","pool":"app","run":"x","rollback":"{sever}","why":"x"})", 400},
                    BadRequest{"POST", "/v1/deploy/rollback", R"({"run":"ssh {hots} x","why":"x"})", 400},
                    BadRequest{"POST", "/v1/maintenance", R"({"on":"yes"})", 400},
                    BadRequest{"POST", "/v1/maintenance", R"({"on":true,"until":"2001-01-01T00:00:00Z"})", 400}));

TEST_F(ControlWithRoutes, NamesTheMethodsThatAPathHas) {
    const auto reply = ask({"PUT", "/v1/maintenance", {}, "", {0, 1, "root"}});
    EXPECT_EQ(reply.status, 405);
    EXPECT_EQ(reply.fields.at("Allow"), "GET, POST");
}

TEST_F(ControlWithRoutes, AnswersHeadAsGet) {
    EXPECT_EQ(ask({"HEAD", "/v1/status", {}, "", {0, 1, "root"}}).status, 200);
}

// Each route with each role: 403 exactly where the role is too small. Other statuses are not looked at.
TEST_F(ControlWithRoutes, NeedTheirRoleAndNoMore) {
    for (const Route& route : routes()) {
        for (const config::Role role : {config::Role::read, config::Role::operate, config::Role::admin}) {
            const api::Request request{
                std::string(route.method), std::string(route.path), {}, "[]", {1000, 1, "ci", role}};
            const int status = ask(request).status;
            EXPECT_EQ(status == 403, role < route.role)
                << route.path << " as " << config::print(role) << ": " << status;
        }
    }
}

TEST(Routes, ThatChangeSomethingAreNotForReaders) {
    EXPECT_TRUE(std::all_of(routes().begin(), routes().end(), [](const Route& route) {
        return (route.method == "GET") == (route.role == config::Role::read) || route.path == "/v1/configuration" ||
               route.path == "/v1/support";
    }));
}

TEST_F(ControlWithRoutes, WriteAChangeDownWithItsOutcome) {
    const api::Peer ci{static_cast<uid_t>(-1), 0, "ci", config::Role::operate, "10.0.0.9:40112"};
    const std::string body = R"({"servers":["web1"],"why":"release 2","claimed_by":"ann"})";
    ASSERT_EQ(ask({"POST", "/v1/fence", {}, body, ci}).status, 200);
    const AuditEntry fence = last_change();
    EXPECT_EQ(fence.what, "fence");
    EXPECT_EQ(fence.who, "ci");
    EXPECT_EQ(fence.acts_for, "ann");
    EXPECT_EQ(fence.from, "10.0.0.9:40112");
    EXPECT_EQ(fence.request, R"({"servers":["web1"]})");
    EXPECT_EQ(fence.why, "release 2");
    EXPECT_EQ(fence.outcome, "done");
    EXPECT_EQ(control_->status()["pools"][0]["backends"][0]["fence"]["who"], "ci");
    ask({"POST", "/v1/unfence", {}, R"({"servers":["web7"]})", {0, 1, "root"}});
    EXPECT_EQ(last_change().what, "unfence");
    EXPECT_EQ(last_change().from, "unix");
    EXPECT_EQ(last_change().outcome.find("refused: no "), 0U) << last_change().outcome;
    const auto shown = json::parse(ask({"GET", "/v1/audit", {{"last", "2"}}, "", {0, 1, "root"}}).body);
    EXPECT_EQ(shown["entries"].size(), 2U);
    EXPECT_EQ(shown["entries"][1]["request"]["servers"][0], "web1");
}

TEST_F(ControlWithRoutes, ADryRunIsNotWrittenDownAsAChange) {
    const api::Peer root{0, 1, "root"};
    const std::string order = R"({"strategy":"rolling","pool":"app","run":"true","dry_run":)";
    ASSERT_EQ(ask({"POST", "/v1/deploy", {}, order + "true}", root}).status, 200);
    EXPECT_EQ(last_change().what, "deploy plan");
    ask({"POST", "/v1/deploy", {}, order + "false}", root});
    EXPECT_EQ(last_change().what, "deploy");
    ask({"PUT", "/v1/configuration", {{"dry_run", "1"}}, "x", root});
    EXPECT_EQ(last_change().what, "config apply --dry-run");
    ask({"PUT", "/v1/configuration", {{"dry_run", "0"}}, "x", root});
    EXPECT_EQ(last_change().what, "config apply");
}

TEST_F(ControlWithRoutes, ChangeNothingThatCannotBeWrittenDownButWhatMakesVisitorsSafer) {
    const auto status = [this](const char* path, const char* body) {
        return ask({"POST", path, {}, body, {0, 1, "root"}}).status;
    };
    fs::create_directory(folder_ / "audit.db");
    EXPECT_EQ(status("/v1/fence", R"({"servers":["web1"]})"), 200);
    EXPECT_EQ(fenced().size(), 2U);
    EXPECT_EQ(status("/v1/maintenance", R"({"on":true})"), 200);
    const auto refused = ask({"POST", "/v1/unfence", {}, R"({"servers":["web1"]})", {0, 1, "root"}});
    EXPECT_EQ(refused.status, 503);
    EXPECT_NE(refused.body.find("nothing was done: unfence needs the state folder"), std::string::npos);
    EXPECT_NE(refused.body.find("audit.db"), std::string::npos) << refused.body;
    EXPECT_EQ(status("/v1/weight", R"({"servers":["web1"],"weight":2})"), 503);
    EXPECT_EQ(status("/v1/deploy", R"({"strategy":"rolling","pool":"app","run":"true"})"), 503);
    EXPECT_EQ(fenced().size(), 2U);
    fs::remove(folder_ / "audit.db");
    EXPECT_EQ(status("/v1/unfence", R"({"servers":["web1"]})"), 200);
}

// Whatever a route answers: commands whole, URLs to their origin, secrets by their names.
TEST_F(ControlWithRoutes, ShowReadersNoCommandAndNoSecret) {
    const api::Peer root{0, 1, "root"};
    const api::Peer reader{1000, 1, "dashboard", config::Role::read};
    const std::string words = R"("why":"see https://ann:pw1@host/private-2/x?token=gh_3, TOKEN=gh_4")";
    ASSERT_EQ(ask({"POST", "/v1/fence", {}, R"({"servers":["web1"],)" + words + "}", root}).status, 200);
    ask({"POST",
         "/v1/deploy",
         {},
         R"({"strategy":"rolling","pool":"app","run":"mysql -p5 {server}",)" + words + "}",
         root});
    const std::vector<std::string> secrets{"pw1", "private-2", "gh_3", "gh_4", "mysql"};
    unsigned hidden = 0;
    for (const Route& route : routes()) {
        if (route.method != "GET" || route.role != config::Role::read || route.path == "/v1/events") {
            continue;
        }
        const std::string path(route.path);
        const std::map<std::string, std::string> query{{"id", "1"}};
        const std::string whole = ask({"GET", path, query, "", root}).body;
        const std::string shown = ask({"GET", path, query, "", reader}).body;
        for (const std::string& secret : secrets) {
            EXPECT_EQ(shown.find(secret), std::string::npos) << path << " shows " << secret << ": " << shown;
            hidden += whole.find(secret) != std::string::npos ? 1 : 0;
        }
    }
    EXPECT_GT(hidden, 10U) << "there was something to hide";
    const auto events = ask({"GET", "/v1/events", {{"after", "0"}}, "", reader});
    std::string stream;
    const api::Reply::Write write = [&stream](std::string_view text) {
        stream += text;
        return true;
    };
    events.stream(write);
    EXPECT_THAT(stream, testing::HasSubstr("see https://***@host/***"));
    for (const std::string& secret : secrets) {
        EXPECT_EQ(stream.find(secret), std::string::npos) << secret << ": " << stream;
    }
}

TEST_F(ControlWithRoutes, WriteDownACallerThatWasRefusedForItsRole) {
    const api::Peer ci{static_cast<uid_t>(-1), 0, "dashboard", config::Role::read, "[fd00::9]:40112"};
    EXPECT_EQ(ask({"POST", "/v1/fence", {}, R"({"servers":["web1"]})", ci}).status, 403);
    const AuditEntry entry = last_change();
    EXPECT_EQ(entry.what, "refused");
    EXPECT_EQ(entry.who, "dashboard");
    EXPECT_EQ(entry.from, "[fd00::9]");
    EXPECT_EQ(entry.request, R"({"times":1,"asked":"POST /v1/fence"})");
    EXPECT_EQ(entry.outcome, "refused: its role is read, and operate is needed");
}

TEST_F(ControlWithRoutes, ShowAsManyEntriesAsAskedFor) {
    EXPECT_EQ(ask({"GET", "/v1/audit", {{"last", "0"}}, "", {0, 1, "root"}}).status, 400);
    EXPECT_EQ(ask({"GET", "/v1/audit", {{"last", "10000"}}, "", {0, 1, "root"}}).status, 200);
    EXPECT_EQ(ask({"GET", "/v1/audit", {{"last", "10001"}}, "", {0, 1, "root"}}).status, 400);
}

TEST(ReadWords, KeepsApartThePersonThatARemoteCallerNames) {
    const api::Peer peer{0, 0, "ci", config::Role::operate, "10.0.0.9:40112"};
    const auto words = read_words(json{{"claimed_by", "root"}}, peer);
    EXPECT_EQ(words->who, "ci");
    EXPECT_EQ(words->acts_for, "root");
}

TEST(ReadWords, BelievesOnlyRootAboutThePersonItActsFor) {
    const json body{{"why", "x"}, {"claimed_by", "ann"}};
    EXPECT_EQ(read_words(body, {0, 1, "root"})->who, "ann (root)");
    EXPECT_EQ(read_words(body, {1000, 1, "bob"})->who, "bob");
}

}  // namespace
}  // namespace appliance::control
