// `gatehouse connect`, `resolve`, `ping`, `log` and `support`: what is asked, shown and written.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/appliance/api/unix_server.hpp"
#include "tests/appliance/cli/parse.hpp"
#include "tests/support/temporary_folder.hpp"

namespace appliance::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;
using tests::UnixServer;

TEST(ParserOfDiagnoses, HoldsToTheBounds) {
    EXPECT_EQ(order_of({"connect", "web1", "80", "--timeout", "10s"}),
              json::parse(R"({"host": "web1", "port": 80, "timeout_ms": 10000})"));
    EXPECT_EQ(order_of({"ping", "::1", "--count", "10"})["count"], 10);
    EXPECT_EQ(request_of({"log", "--lines", "1000"}).path, "/v1/log?lines=1000");
    for (const auto& wrong : std::vector<std::vector<const char*>>{{"connect", "web1"},
                                                                   {"connect", "web1", "0"},
                                                                   {"connect", "web1", "65536"},
                                                                   {"connect", "web1", "80", "--timeout", "11s"},
                                                                   {"connect", "web1", "80", "--timeout", "0s"},
                                                                   {"ping", "web1", "--count", "11"},
                                                                   {"ping", "web1", "--count", "0"},
                                                                   {"log", "--lines", "1001"},
                                                                   {"log", "--lines", "0"},
                                                                   {"resolve"}}) {
        EXPECT_FALSE(parse(wrong).has_value()) << wrong[0] << " " << wrong.back();
    }
}

TEST(RequestOfDiagnoses, SaysHowLongItMayTake) {
    const auto ping = request_of({"ping", "web1", "--count", "4"}, "ann");
    EXPECT_EQ(ping.path, "/v1/diagnose/ping");
    EXPECT_EQ(json::parse(ping.body), json::parse(R"({"host": "web1", "count": 4, "timeout_ms": 5000})"));
    EXPECT_GT(ping.timeout, std::chrono::seconds(5));
    EXPECT_EQ(request_of({"log", "--lines", "7"}).path, "/v1/log?lines=7");
}

TEST(ShowConnected, SaysTheAddressThatAnsweredOrWhyNoneDid) {
    const auto good = outcome_of_answer({"connect", "web1", "80"}, R"({"host": "web1", "port": 80, "connected": true,
        "address": "10.0.0.11:80", "ms": 0.42, "tried": [], "error": "", "note": ""})");
    EXPECT_EQ(good.code, 0);
    EXPECT_EQ(good.out, "web1:80 (10.0.0.11:80) answers after 0.42 ms\n");
    const auto bad =
        outcome_of_answer({"connect", "web1", "80"}, R"({"host": "web1", "port": 80, "connected": false, "address": "",
        "tried": [{"address": "[fd00::1]:80", "ms": 12.3, "error": "No route to host"},
                  {"address": "10.0.0.11:80", "ms": 0.1, "error": "Connection refused"}],
        "error": "Connection refused", "note": "web1 is fenced by ann: deploy"})");
    EXPECT_EQ(bad.code, 1);
    EXPECT_EQ(bad.out, "");
    EXPECT_EQ(
        bad.err,
        "gatehouse: cannot connect to web1:80: [fd00::1]:80: No route to host after 12 ms, 10.0.0.11:80: Connection "
        "refused after 0.10 ms; web1 is fenced by ann: deploy\n");
}

TEST(ShowResolved, ListsTheAddresses) {
    const auto good = outcome_of_answer({"resolve", "web1"}, R"({"name": "web1", "resolved": true,
        "addresses": ["10.0.0.11", "fd00::11"], "ms": 1.5, "error": ""})");
    EXPECT_EQ(good.out, "10.0.0.11\nfd00::11\nfound after 1.50 ms\n");
    const auto bad =
        outcome_of_answer({"resolve", "web1"}, R"({"name": "web\u001b", "resolved": false, "addresses": [], "ms": 2,
        "error": "Name or service not known"})");
    EXPECT_EQ(bad.code, 1);
    EXPECT_EQ(bad.err, "gatehouse: cannot resolve web?: Name or service not known (after 2.00 ms)\n");
}

TEST(ShowPinged, CountsWhatCameBack) {
    const auto good =
        outcome_of_answer({"ping", "web1"}, R"({"host": "web1", "address": "10.0.0.11", "sent": 2, "received": 1,
        "least_ms": 0.2, "mean_ms": 0.2, "most_ms": 0.2, "error": "",
        "echoes": [{"number": 1, "ms": 0.2, "error": ""}, {"number": 2, "ms": 1000, "error": "no answer in time"}]})");
    EXPECT_EQ(good.code, 0);
    EXPECT_EQ(good.out,
              "1  0.20 ms\n2  no answer in time\nweb1 (10.0.0.11): 1 of 2 echoes came back, 0.20 ms to 0.20 ms, mean "
              "0.20 ms\n");
    const auto bad =
        outcome_of_answer({"ping", "web1"}, R"({"host": "web1", "address": "10.0.0.11", "sent": 0, "received": 0,
        "echoes": [], "error": "the kernel gives no such socket"})");
    EXPECT_EQ(bad.code, 1);
    EXPECT_EQ(bad.err, "gatehouse: no echo from web1 (10.0.0.11): the kernel gives no such socket\n");
}

TEST(ShowLog, ShowsEachLineWithItsFieldsInOrder) {
    const auto shown = outcome_of_answer({"log"}, R"({"lines": [{"time": "2026-11-22T14:03:05Z", "event": "fence",
        "server": "web1", "by": "ann"}], "more": false})");
    EXPECT_EQ(shown.out, "2026-11-22 14:03:05  fence       server web1, by ann\n");
    EXPECT_EQ(outcome_of_answer({"log"}, R"({"lines": [], "more": false})").out, "nothing has been logged yet\n");
}

class Support : public testing::Test {
protected:
    const tests::TemporaryFolder temporary_;
    const fs::path& folder_ = temporary_.path();
};

TEST_F(Support, WritesTheDocumentForItsOwnerAlone) {
    UnixServer server({{200, R"({"version": "0.1.0", "audit": []})"}});
    const std::string file = folder_ / "gate.json";
    const auto done = run_command({"support", "--output", file.c_str()}, server.path());
    EXPECT_EQ(done.code, 0) << done.err;
    EXPECT_THAT(done.out, testing::StartsWith(file + "\n"));
    struct stat entry {};
    ASSERT_EQ(::stat(file.c_str(), &entry), 0);
    EXPECT_EQ(entry.st_mode & 0777U, 0600U);
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    EXPECT_EQ(json::parse(text.str())["version"], "0.1.0");
    const auto again = run_command({"support", "--output", file.c_str()}, server.path());
    EXPECT_EQ(again.code, 1);
    EXPECT_THAT(again.err, HasSubstr("File exists; name another file with --output"));
}

TEST_F(Support, IsPrintedAsJsonAndARefusalIsNoFile) {
    UnixServer server({{200, R"({"version": "0.1.0"})"}, {503, R"({"error": {"what": "cannot answer now"}})"}});
    const std::string file = folder_ / "gate.json";
    const auto printed = run_command({"support", "--json", "--output", file.c_str()}, server.path());
    EXPECT_EQ(json::parse(printed.out)["version"], "0.1.0");
    const auto refused = run_command({"support", "--output", file.c_str()}, server.path());
    EXPECT_EQ(refused.code, 1);
    EXPECT_EQ(refused.err, "gatehouse: cannot answer now\n");
    EXPECT_FALSE(fs::exists(file));
}

}  // namespace
}  // namespace appliance::cli
