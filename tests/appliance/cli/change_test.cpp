// What is asked of a daemon beside a change, against one that gives prepared answers.
#include "appliance/cli/client/change.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/appliance/api/unix_server.hpp"
#include "tests/appliance/cli/parse.hpp"

namespace appliance::cli {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using tests::UnixServer;

const char* const fenced_web1 = R"({"version": "0.1.0", "pools": [{"name": "app", "backends": [{"server": "web1",
    "address": "10.0.0.1:80", "state": "fenced", "active": 3}]}]})";

std::string stands(UnixServer& server, const Words& words) {
    return Asked<Change>(words)->stands(api::Client(server.path()));
}

TEST(Change, WhatStandsIsAskedOfTheDaemon) {
    UnixServer server({{200, fenced_web1}});
    EXPECT_THAT(stands(server, {"fence", "web1"}), StartsWith("web1 stays fenced, 3 requests in flight"));
    EXPECT_THAT(server.stop().front(), StartsWith("GET /v1/status "));
}

TEST(Change, WhatADaemonDoesNotSayIsNotGuessed) {
    for (const int status : {0, 500}) {
        UnixServer server({{status, "{}"}});
        for (const Words& words : std::vector<Words>{{"fence", "web1"},
                                                     {"unfence", "web1"},
                                                     {"maintenance", "on"},
                                                     {"upgrade"},
                                                     {"reload"},
                                                     {"deploy", "abort"},
                                                     {"deploy", "rolling"}}) {
            EXPECT_EQ(stands(server, words), not_known) << words.front();
        }
    }
}

TEST(Change, ADeployThatIsLeftWhileItsGuardsAreAskedMayBeginYet) {
    UnixServer none({{404, R"({"error": {"what": "there was no rollout yet"}})"}});
    EXPECT_THAT(stands(none, {"deploy", "rolling"}),
                StartsWith("no rollout has begun. See gatehouse deploy status; this one may begin yet"));
    UnixServer another({{200, R"({"id": 3, "state": "running", "held": ["web1"]})"}});
    EXPECT_EQ(stands(another, {"deploy", "abort"}), "rollout 3 is running, fenced: web1. See gatehouse deploy status");
}

TEST(Change, OtherChangesAreLookedUpInTheAuditLog) {
    UnixServer server({{200, R"({"entries": [{"what": "reload", "who": "ada", "outcome": "begun"}]})"}});
    EXPECT_THAT(stands(server, {"reload"}), HasSubstr("reload by ada: begun"));
    EXPECT_THAT(server.stop().front(), StartsWith("GET /v1/audit?last=1 "));
}

TEST(Change, WhatIsSeenMeanwhileComesFromTheDaemonToo) {
    UnixServer server({{200, fenced_web1},
                       {200, R"({"fences": [{"address": "10.0.0.1:80", "drift": null}]})"},
                       {200, fenced_web1},
                       {500, "{}"},
                       {500, "{}"}});
    const std::string socket = server.path();
    Asked<Change> fence({"fence", "web1", "--socket", socket.c_str()});
    EXPECT_EQ(fence->witness().look().front().line, "web1: fenced, the rule is in the kernel");
    EXPECT_EQ(fence->witness().look().front().line, "web1: being fenced") << "the kernel could not be asked";
    EXPECT_EQ(fence->witness().look().front().line,
              "what stands is not known: the daemon does not answer within a second; waiting on");
}

}  // namespace
}  // namespace appliance::cli
