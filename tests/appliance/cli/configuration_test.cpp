// `gatehouse config`: what is read, sent and shown.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/appliance/api/unix_server.hpp"
#include "tests/appliance/cli/parse.hpp"
#include "tests/support/temporary_folder.hpp"

namespace appliance::cli {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::StartsWith;
using tests::UnixServer;

TEST(ParserOfConfig, TakesItsThreeCommands) {
    EXPECT_EQ(request_of({"config", "apply", "new.toml", "--dry-run", "--why", "a try"}).path,
              "/v1/configuration?why=a%20try&dry_run=1");
    EXPECT_EQ(parse({"config", "apply"}).error().code, 2);
    EXPECT_THAT(parse({"config", "aply", "x"}).error().text, HasSubstr("did you mean 'apply'"));
}

TEST(RequestForConfig, SaysBesideTheTextItsReasonAndAuthor) {
    const auto request = request_of({"config", "apply", "new.toml", "--why", "ä & 100 %", "--dry-run"}, "ann");
    EXPECT_EQ(request.method, Request::Method::put);
    EXPECT_EQ(request.path, "/v1/configuration?why=%C3%A4%20%26%20100%20%25&claimed_by=ann&dry_run=1");
    EXPECT_EQ(request_of({"config", "show"}).path, "/v1/configuration?format=json");
    EXPECT_EQ(request_of({"config", "show", "--json", "--previous"}).path, "/v1/configuration?format=json&previous=1");
    EXPECT_EQ(request_of({"config", "rollback"}).path, "/v1/configuration/rollback");
}

class ConfigApply : public testing::Test {
protected:
    Outcome apply(UnixServer& server, std::string_view text) const {
        const fs::path file = folder_ / "new.toml";
        std::ofstream(file) << text;
        return run_command({"config", "apply", file.c_str()}, server.path());
    }

    const tests::TemporaryFolder temporary_;
    const fs::path& folder_ = temporary_.path();
};

TEST_F(ConfigApply, SendsTheFileAsItIs) {
    UnixServer server({{200, R"({"changed": ["server web3: added"], "file": "/etc/gatehouse/gatehouse.toml",
                               "written": true})"}});
    const Outcome outcome = apply(server, "# one\n[pool.app]\n");
    EXPECT_EQ(outcome.code, 0);
    EXPECT_EQ(outcome.out,
              "changed server web3: added\n"
              "written to /etc/gatehouse/gatehouse.toml (undo: gatehouse config rollback)\n");
    const std::string asked = server.stop().front();
    EXPECT_THAT(asked, StartsWith("PUT /v1/configuration?why= HTTP/1.1"));
    EXPECT_THAT(asked, testing::EndsWith("\r\n\r\n# one\n[pool.app]\n"));
}

TEST_F(ConfigApply, AProblemIsCodeTwo) {
    UnixServer server(
        {{422, R"({"error": {"what": "the configuration is invalid"}, "problems": ["g.toml:3:1: a; b"]})"}});
    const Outcome outcome = apply(server, "[");
    EXPECT_EQ(outcome.code, 2);
    EXPECT_EQ(outcome.err, "gatehouse: the configuration is invalid\ng.toml:3:1: a; b\n");
}

TEST_F(ConfigApply, AFileThatIsTooLongIsNotSent) {
    UnixServer server({{200, R"({"changed": []})"}});
    EXPECT_EQ(apply(server, std::string(std::size_t{1} << 20, '#')).code, 0);
    const Outcome outcome = apply(server, std::string((std::size_t{1} << 20) + 1, '#'));
    EXPECT_EQ(outcome.code, 2);
    EXPECT_THAT(outcome.err, HasSubstr("it holds more than 1024 KiB"));
    EXPECT_EQ(server.stop().size(), 1U);
}

TEST_F(ConfigApply, AFileThatIsMissingIsCodeTwo) {
    const fs::path none = folder_ / "none";
    const Outcome outcome = run_command({"config", "apply", none.c_str()});
    EXPECT_EQ(outcome.code, 2);
    EXPECT_THAT(outcome.err, HasSubstr("No such file"));
}

TEST(ConfirmWords, AreATimeFromASecondToAnHour) {
    EXPECT_EQ(order_of({"reload", "--confirm", "1s"})["confirm_ms"], 1'000);
    EXPECT_EQ(order_of({"reload", "--confirm", "1h"})["confirm_ms"], 3'600'000);
    EXPECT_FALSE(order_of({"reload"}).contains("confirm_ms"));
    for (const char* wrong : {"999ms", "3601s", "soon"}) {
        const auto refused = parse({"reload", "--confirm", wrong});
        ASSERT_FALSE(refused) << wrong;
        EXPECT_EQ(refused.error().code, 2) << wrong;
    }
}

TEST(ConfirmWords, AreAskedOfTheDaemon) {
    EXPECT_EQ(request_of({"config", "apply", "f", "--confirm", "60s"}).path, "/v1/configuration?why=&confirm_ms=60000");
    EXPECT_THAT(request_of({"reload", "--confirm", "60s"}).body, HasSubstr("\"confirm_ms\":60000"));
    EXPECT_EQ(request_of({"config", "confirm"}).path, "/v1/configuration/confirm");
}

TEST(ConfirmWords, WarningsAndATrialAreOnStandardError) {
    const auto warned =
        outcome_of_answer({"config", "apply", "f"}, R"({"changed": ["a"], "warnings": ["pool app: no server"]})");
    EXPECT_EQ(warned.err, "gatehouse: warning: pool app: no server\n");
    EXPECT_EQ(warned.code, 0);
    const auto shown =
        outcome_of_answer({"config", "show"}, R"({"text": "[x]\n", "trial": {"until": "2026-11-22T14:00:00Z"}})");
    EXPECT_EQ(shown.out, "[x]\n");
    EXPECT_THAT(shown.err, HasSubstr("on trial until 2026-11-22T14:00:00Z"));
}

TEST(ShowApplied, TheSameTextIsNotWrittenAgain) {
    EXPECT_EQ(show_answer({"config", "rollback"},
                          {{"changed", nlohmann::json::array()}, {"file", "g.toml"}, {"written", false}}),
              "nothing has changed\n");
}

TEST(ShowApplied, AnotherTextThatSaysTheSameIsWrittenAndChangesNothing) {
    const auto said = show_answer({"config", "rollback"},
                                  {{"changed", nlohmann::json::array()}, {"file", "g.toml"}, {"written", true}});
    EXPECT_THAT(said, StartsWith("written to g.toml, which says the same as before"));
    EXPECT_THAT(said, Not(HasSubstr("nothing")));
}

TEST(ShowApplied, ADryRunSaysThatNothingWasWritten) {
    EXPECT_EQ(show_answer({"config", "rollback"}, {{"changed", {"pool app"}}, {"dry_run", true}}),
              "would change pool app\nvalid; nothing was written\n");
}

}  // namespace
}  // namespace appliance::cli
