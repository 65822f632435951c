#include "appliance/control/routes.hpp"

#include "appliance/control/read_order.hpp"
#include "tests/appliance/control/memory_fixture.hpp"

namespace appliance::control {
namespace {

struct BadRequest {
    const char* method;
    const char* path;
    const char* body;
    int status;
};

class ControlWithBadRequests : public ControlInMemory, public testing::WithParamInterface<BadRequest> {};

TEST_P(ControlWithBadRequests, RefusesThem) {
    const BadRequest& bad = GetParam();
    api::Request request{bad.method, bad.path, {}, bad.body, {0, 1, "root"}};
    const auto reply = answer(*control_, request);
    EXPECT_EQ(reply.status, bad.status) << reply.body;
    EXPECT_TRUE(json::parse(reply.body).contains("error"));
    EXPECT_TRUE(fenced().empty());
}

INSTANTIATE_TEST_SUITE_P(
    Api, ControlWithBadRequests,
    testing::Values(BadRequest{"GET", "/v1/nothing", "", 404}, BadRequest{"PUT", "/v1/status", "", 405},
                    BadRequest{"POST", "/v1/fence", "{", 400}, BadRequest{"POST", "/v1/fence", "{}", 400},
                    BadRequest{"POST", "/v1/fence", R"({"servers":[]})", 400},
                    BadRequest{"POST", "/v1/fence", R"({"servers":[7]})", 400},
                    BadRequest{"POST", "/v1/fence", R"({"servers":["web1"],"mode":"hard"})", 400},
                    BadRequest{"POST", "/v1/fence", R"({"servers":["web1"],"drain_ms":-1})", 400},
                    BadRequest{"POST", "/v1/fence", R"({"servers":["web1"],"for_ms":"1h"})", 400},
                    BadRequest{"POST", "/v1/fence", R"({"servers":["web1"],"kill":"hard"})", 400},
                    BadRequest{"POST", "/v1/fence", R"({"servers":["web1"],"kill":true,"drain_ms":1})", 400},
                    BadRequest{"POST", "/v1/fence", R"({"servers":["web1"],"pool":"none"})", 404},
                    BadRequest{"POST", "/v1/fence", R"({"servers":["web2"],"pool":"chat"})", 404},
                    BadRequest{"POST", "/v1/unfence", R"({"servers":["none"]})", 404},
                    BadRequest{"POST", "/v1/maintenance", R"({"on":"yes"})", 400},
                    BadRequest{"POST", "/v1/maintenance", R"({"on":true,"until":"2001-01-01T00:00:00Z"})", 400}));

TEST(ReadWords, BelievesOnlyRootAboutWhoItActsFor) {
    const json body{{"why", "x"}, {"claimed_by", "ann"}};
    EXPECT_EQ(read_words(body, {0, 1, "root"})->who, "ann (root)");
    EXPECT_EQ(read_words(body, {1000, 1, "bob"})->who, "bob");
}

}  // namespace
}  // namespace appliance::control
