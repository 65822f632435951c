// `check` as root: what the daemon's user cannot read is a problem, though root can read it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/appliance/cli/parse.hpp"
#include "tests/support/temporary_folder.hpp"

namespace appliance::cli {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class CheckAsRoot : public ::testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0) {
            GTEST_SKIP() << "needs root, which can become another user";
        }
        ::chmod(folder_.path().c_str(), 0755);
        put("page.html", "<h1>Back soon</h1>", 0644);
        put("secret", "s3cret\n", 0640);
    }
    void put(const std::string& name, const std::string& text, mode_t mode) {
        const auto path = folder_.path() / name;
        std::ofstream(path) << text;
        ASSERT_EQ(::chmod(path.c_str(), mode), 0);
    }
    // A configuration in that folder, of a daemon that runs as the user "nobody".
    Outcome check(const std::string& more, mode_t mode = 0644, bool as_json = false) {
        put("g.toml",
            "[listen.web]\naddress = \"0.0.0.0:80\"\npool = \"app\"\n[server.a]\nhost = \"10.0.0.1\"\n"
            "[pool.app]\nport = 80\nservers = [\"a\"]\n[proxy]\nuser = \"nobody\"\n" +
                more,
            mode);
        const std::string file = folder_.path() / "g.toml";
        Words words{"check", "-c", file.c_str()};
        if (as_json) {
            words.push_back("--json");
        }
        return run_command(words);
    }
    tests::TemporaryFolder folder_;
    const std::string page_ = "[maintenance]\npage = \"page.html\"\n";
    const std::string guard_ =
        "[guard.b]\nkind = \"bigbluebutton\"\nurls = [\"https://b.example.org/api\"]\nsecret_file = \"secret\"\n";
};

TEST_F(CheckAsRoot, WhatTheUserCanReadIsValid) {
    const auto checked = check(page_);
    EXPECT_EQ(checked.code, 0) << checked.err;
    EXPECT_EQ(checked.err, "");
}

TEST_F(CheckAsRoot, APageThatTheUserCannotReadIsAProblemWithItsPlace) {
    put("page.html", "<h1>Back soon</h1>", 0600);
    const auto checked = check(page_);
    EXPECT_EQ(checked.code, 2);
    EXPECT_THAT(checked.err,
                HasSubstr("g.toml:12:8: as user nobody of [proxy]: bad 'page' in [maintenance]: cannot read"));
    EXPECT_THAT(checked.err, HasSubstr("Permission denied"));
}

TEST_F(CheckAsRoot, ASecretThatTheUserCannotReadIsAProblem) {
    const auto checked = check(guard_);
    EXPECT_EQ(checked.code, 2);
    EXPECT_THAT(checked.err, HasSubstr("as user nobody of [proxy]: bad 'secret_file' in [guard.b]: cannot read"));
    EXPECT_THAT(checked.err, HasSubstr("Permission denied; let group nogroup read it"));
}

TEST_F(CheckAsRoot, AuthoritiesAndCalendarsOfGuardsAreTriedToo) {
    put("ca.pem", "x", 0600);
    put("lessons.ics", "x", 0600);
    const auto checked = check("[guard.s]\nkind = \"schedule\"\nsource = \"lessons.ics\"\n");
    EXPECT_EQ(checked.code, 2) << checked.err;
    EXPECT_THAT(checked.err, AllOf(HasSubstr("guard s: cannot read"), HasSubstr("let group nogroup read it")));
    const auto gone = check("[guard.s]\nkind = \"schedule\"\nsource = \"gone.ics\"\n");
    EXPECT_EQ(gone.code, 2) << gone.err;
    EXPECT_THAT(gone.err, HasSubstr("gone.ics': No such file or directory; put the file there"));
    const auto other =
        check("[guard.s]\nkind = \"schedule\"\nsource = \"https://a.example.org/x.ics\"\nca_file = \"ca.pem\"\n");
    EXPECT_EQ(other.code, 2) << other.err;
    EXPECT_THAT(other.err, HasSubstr("ca.pem"));
}

TEST_F(CheckAsRoot, AConfigurationThatTheUserCannotReadIsAProblem) {
    EXPECT_EQ(check(page_, 0600).code, 2);
}

TEST_F(CheckAsRoot, ADraftInAFolderThatIsClosedToTheUserIsAWarning) {
    ::chmod(folder_.path().c_str(), 0700);
    const auto checked = check(page_);
    EXPECT_EQ(checked.code, 0);
    EXPECT_THAT(checked.err, StartsWith("warning: user nobody cannot enter"));
    const auto as_json = json::parse(check(page_, 0644, true).out);
    EXPECT_EQ(as_json["warnings"].size(), 1U);
    EXPECT_EQ(as_json["valid"], true);
}

}  // namespace
}  // namespace appliance::cli
