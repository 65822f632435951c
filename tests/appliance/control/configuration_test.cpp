// The configuration file as it is changed through the API: by the routes, before a kernel in memory; and the file by
// itself, as a power cut may leave it.
#include <sys/stat.h>

#include <atomic>
#include <sstream>
#include <thread>

#include "tests/appliance/control/memory_fixture.hpp"
#include "tests/support/temporary_folder.hpp"

namespace appliance::control {
namespace {

using core::Result;

std::string read_file(const fs::path& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

class ControlWithConfiguration : public ControlInMemory {
protected:
    // plain_config with web2 elsewhere.
    [[nodiscard]] std::string text(int host) const {
        std::string text = plain_config;
        const std::string before = "10.0.0.12";
        text.replace(text.find(before), before.size(), "10.0.0." + std::to_string(host));
        return text + "[control]\nstate = \"" + folder_.string() + "\"\n";
    }
    [[nodiscard]] std::string at_place() const { return read_file(folder_ / "g.toml"); }
    [[nodiscard]] std::string before() const { return read_file(folder_ / "g.toml.previous"); }
    api::Reply put(const std::string& body, std::map<std::string, std::string> query = {{"why", "a try"}}) {
        return ask({"PUT", "/v1/configuration", std::move(query), body, {0, 1, "root"}});
    }
    api::Reply roll_back() { return ask({"POST", "/v1/configuration/rollback", {}, "{}", {0, 1, "root"}}); }
    api::Reply get(std::map<std::string, std::string> query = {}) {
        return ask({"GET", "/v1/configuration", std::move(query), "", {0, 1, "root"}});
    }
    std::string web2() { return control_->status()["pools"][0]["backends"][1]["address"].get<std::string>(); }
    [[nodiscard]] std::vector<std::string> files() const {
        std::vector<std::string> names;
        for (const auto& entry : fs::directory_iterator(folder_)) {
            const std::string name = entry.path().filename();
            if (name.starts_with("g.toml")) {
                names.push_back(name);
            }
        }
        std::sort(names.begin(), names.end());
        return names;
    }
};

TEST_F(ControlWithConfiguration, IsShownAsItIs) {
    const auto shown = get();
    EXPECT_EQ(shown.status, 200);
    EXPECT_EQ(shown.type, "application/toml");
    EXPECT_EQ(shown.body, at_place());
    EXPECT_EQ(json::parse(get({{"format", "json"}}).body)["text"], at_place());
    EXPECT_EQ(get({{"previous", "1"}}).status, 404);
    EXPECT_EQ(get({{"previous", "yes"}}).status, 400);
    EXPECT_EQ(get({{"format", "xml"}}).status, 400);
}

TEST_F(ControlWithConfiguration, TakesAnotherTextAndKeepsTheOneBefore) {
    const std::string old = at_place();
    const auto reply = put(text(22));
    ASSERT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(json::parse(reply.body)["changed"][0], "server web2: changed") << reply.body;
    EXPECT_EQ(at_place(), text(22));
    EXPECT_EQ(before(), old);
    EXPECT_EQ(web2(), "10.0.0.22:80");
    EXPECT_EQ(get({{"previous", "1"}}).body, old);
    EXPECT_EQ(files(), (std::vector<std::string>{"g.toml", "g.toml.previous"}));
}

TEST_F(ControlWithConfiguration, ARollbackChangesPlacesAndASecondOneUndoesIt) {
    EXPECT_EQ(roll_back().status, 404);
    const std::string old = at_place();
    ASSERT_EQ(put(text(22)).status, 200);
    ASSERT_EQ(roll_back().status, 200);
    EXPECT_EQ(at_place(), old);
    EXPECT_EQ(before(), text(22));
    EXPECT_EQ(web2(), "10.0.0.12:80");
    ASSERT_EQ(roll_back().status, 200);
    EXPECT_EQ(at_place(), text(22));
    EXPECT_EQ(before(), old);
    EXPECT_EQ(web2(), "10.0.0.22:80");
}

// What the supervisor does with them reaches further than what control may.
TEST_F(ControlWithConfiguration, DoesNotChangeTheUserTheStateFolderOrTheSocketFromAfar) {
    const std::string old = at_place();
    const auto replaced = [this](const std::string& before, const std::string& after) {
        std::string changed = text(22);
        return changed.replace(changed.find(before), before.size(), after);
    };
    const std::string state = "state = \"" + folder_.string() + "\"";
    for (const std::string& body :
         {replaced("user = \"nobody\"", "user = \"daemon\""), replaced(state, "state = \"/etc\""),
          replaced(state, state + "\nsocket = \"/tmp/other.sock\"")}) {
        for (const auto& query : {std::map<std::string, std::string>{{"why", "x"}}, {{"dry_run", "1"}}}) {
            const auto reply = put(body, query);
            EXPECT_EQ(reply.status, 409) << body;
            EXPECT_NE(reply.body.find("cannot be changed from here"), std::string::npos) << reply.body;
        }
    }
    EXPECT_EQ(at_place(), old);
    EXPECT_EQ(files(), std::vector<std::string>{"g.toml"});
}

TEST_F(ControlWithConfiguration, ARollbackDoesNotTakeBackWhatRootHasChangedMeanwhile) {
    ASSERT_EQ(put(text(22)).status, 200);
    std::string changed = text(22);
    const std::string user = "user = \"nobody\"";
    changed.replace(changed.find(user), user.size(), "user = \"daemon\"");
    std::ofstream(folder_ / "g.toml") << changed;
    EXPECT_EQ(roll_back().status, 409);
    EXPECT_EQ(at_place(), changed);
    // What the file says is what counts: with its user it is taken.
    EXPECT_EQ(put(changed + "# more\n").status, 200);
}

TEST_F(ControlWithConfiguration, AnInvalidPreviousOneIsNotRolledBackTo) {
    ASSERT_EQ(put(text(22)).status, 200);
    std::ofstream(folder_ / "g.toml.previous") << "[pool.app]\nport = 0\n";
    const auto reply = roll_back();
    EXPECT_EQ(reply.status, 422);
    EXPECT_FALSE(json::parse(reply.body)["problems"].empty());
    EXPECT_EQ(at_place(), text(22));
}

TEST_F(ControlWithConfiguration, AProblemChangesNothingAndIsToldWithItsPlace) {
    const std::string old = at_place();
    const auto reply = put(text(22) + "[pool.third]\nport = 70000\nservers = [\"web7\"]\n");
    EXPECT_EQ(reply.status, 422);
    const auto problems = json::parse(reply.body)["problems"];
    ASSERT_EQ(problems.size(), 2U) << reply.body;
    EXPECT_EQ(problems[0].get<std::string>().find((folder_ / "g.toml").string() + ":"), 0U) << problems;
    EXPECT_EQ(at_place(), old);
    EXPECT_EQ(files(), std::vector<std::string>{"g.toml"});
    EXPECT_EQ(web2(), "10.0.0.12:80");
}

TEST_F(ControlWithConfiguration, BytesThatAreNoTextAreProblems) {
    for (const std::string& odd : {std::string("\0", 1), std::string("\xff\xfe"), std::string("# \xc3\x28\n")}) {
        const auto reply = put(text(22) + odd);
        EXPECT_EQ(reply.status, 422) << reply.body;
        EXPECT_EQ(json::parse(reply.body)["problems"].size(), 1U) << reply.body;
    }
}

TEST_F(ControlWithConfiguration, MayBeAsLongAsAFileMayBe) {
    std::string long_text = text(22) + "#";
    long_text.resize(config::Bounds::file_bytes, 'x');
    EXPECT_EQ(put(long_text).status, 200);
    EXPECT_EQ(at_place().size(), config::Bounds::file_bytes);
    const auto reply = put(long_text + "x");
    EXPECT_EQ(reply.status, 413);
    EXPECT_EQ(at_place().size(), config::Bounds::file_bytes);
}

TEST_F(ControlWithConfiguration, ADryRunSaysWhatItWouldChangeAndWritesNothing) {
    const std::string old = at_place();
    const auto reply = put(text(22), {{"dry_run", "1"}});
    ASSERT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(json::parse(reply.body)["changed"][0], "server web2: changed");
    EXPECT_EQ(json::parse(reply.body)["dry_run"], true);
    EXPECT_EQ(put("[", {{"dry_run", "1"}}).status, 422);
    EXPECT_EQ(put(text(22), {{"dry_run", "maybe"}}).status, 400);
    EXPECT_EQ(at_place(), old);
    EXPECT_EQ(files(), std::vector<std::string>{"g.toml"});
    EXPECT_EQ(web2(), "10.0.0.12:80");
}

TEST_F(ControlWithConfiguration, ARefusedReloadPutsTheOldFileBack) {
    ASSERT_EQ(put(text(22)).status, 200);
    const std::string first = before();
    proxy_->refuse("configure");
    const auto reply = put(text(33));
    EXPECT_EQ(reply.status, 500) << reply.body;
    EXPECT_NE(reply.body.find("the configuration is the one before"), std::string::npos) << reply.body;
    proxy_->refuse("");
    EXPECT_EQ(at_place(), text(22));
    EXPECT_EQ(before(), first);
    EXPECT_EQ(web2(), "10.0.0.22:80");
    EXPECT_EQ(files(), (std::vector<std::string>{"g.toml", "g.toml.previous"}));
}

TEST_F(ControlWithConfiguration, TheSameTextAgainDoesNotForgetTheOneBefore) {
    const std::string old = at_place();
    ASSERT_EQ(put(text(22)).status, 200);
    ASSERT_EQ(put(text(22)).status, 200);
    EXPECT_EQ(before(), old);
}

TEST_F(ControlWithConfiguration, KeepsTheModeOfTheFile) {
    ASSERT_EQ(::chmod((folder_ / "g.toml").c_str(), 0640), 0);
    ASSERT_EQ(put(text(22)).status, 200);
    struct stat now {};
    ASSERT_EQ(::stat((folder_ / "g.toml").c_str(), &now), 0);
    EXPECT_EQ(now.st_mode & 0777U, 0640U);
    ASSERT_EQ(::stat((folder_ / "g.toml.previous").c_str(), &now), 0);
    EXPECT_EQ(now.st_mode & 0777U, 0640U);
}

TEST_F(ControlWithConfiguration, ALinkIsNotReplaced) {
    fs::rename(folder_ / "g.toml", folder_ / "real.toml");
    fs::create_symlink("real.toml", folder_ / "g.toml");
    const auto reply = put(text(22));
    EXPECT_EQ(reply.status, 409);
    EXPECT_NE(reply.body.find("it is a link"), std::string::npos) << reply.body;
    EXPECT_TRUE(fs::is_symlink(folder_ / "g.toml"));
}

TEST_F(ControlWithConfiguration, TheAuditLogKnowsTheTextByItsDigest) {
    put(text(22), {{"why", "a third"}, {"claimed_by", "ann"}, {"dry_run", "0"}});
    const auto entry = audit().last(1)->front();
    EXPECT_EQ(entry.what, "config apply");
    EXPECT_EQ(entry.who, "ann (root)");
    EXPECT_EQ(entry.why, "a third");
    EXPECT_EQ(entry.outcome, "done");
    EXPECT_EQ(json::parse(entry.request)["bytes"], text(22).size());
    EXPECT_EQ(json::parse(entry.request)["sha256"].get<std::string>().size(), 64U);
    put("[");
    EXPECT_EQ(audit().last(1)->front().outcome.find("refused: "), 0U);
}

TEST_F(ControlWithConfiguration, TwoAtOnceDoNotMix) {
    std::atomic<unsigned> done = 0;
    const auto apply_all = [&](int first) {
        for (int host = first; host < first + 10; ++host) {
            done += control_->apply({text(host), false, "ann", ""}).has_value() ? 1U : 0U;
        }
    };
    std::thread other(apply_all, 100);
    apply_all(50);
    other.join();
    EXPECT_EQ(done, 20U);
    const std::string last = at_place();
    EXPECT_TRUE(last == text(59) || last == text(109));
    EXPECT_NE(last.find(web2().substr(0, web2().find(':')) + "\""), std::string::npos) << web2();
    EXPECT_EQ(files(), (std::vector<std::string>{"g.toml", "g.toml.previous"}));
}

class ConfigurationFileAfterACut : public testing::Test {
protected:
    void SetUp() override {
        std::ofstream(path_) << "one";
        std::ofstream(folder_ / "g.toml.previous") << "zero";
    }
    const tests::TemporaryFolder temporary_;
    const fs::path& folder_ = temporary_.path();
    const fs::path path_ = folder_ / "g.toml";
};

TEST_F(ConfigurationFileAfterACut, WhatWasSetAsideBecomesThePreviousOne) {
    ASSERT_TRUE(ConfigurationFile(path_).replace("two").has_value());
    ConfigurationFile file(path_);  // of the next process
    file.recover();
    EXPECT_EQ(file.text().value(), "two");
    EXPECT_EQ(file.previous().value(), "one");
    EXPECT_FALSE(fs::exists(folder_ / "g.toml.aside"));
}

TEST_F(ConfigurationFileAfterACut, WhatWasNotReplacedYetIsAsItWas) {
    std::ofstream(folder_ / "g.toml.new") << "tw";
    std::ofstream(folder_ / "g.toml.aside") << "one";
    ConfigurationFile file(path_);
    file.recover();
    EXPECT_EQ(file.text().value(), "one");
    EXPECT_EQ(file.previous().value(), "zero");
    ASSERT_TRUE(file.replace("two").has_value());
    ASSERT_TRUE(file.keep().has_value());
    EXPECT_EQ(file.previous().value(), "one");
    EXPECT_FALSE(fs::exists(folder_ / "g.toml.new"));
}

TEST_F(ConfigurationFileAfterACut, WhatIsTakenBackLeavesNoTrace) {
    ConfigurationFile file(path_);
    ASSERT_TRUE(file.replace("two").has_value());
    ASSERT_TRUE(file.take_back().has_value());
    EXPECT_EQ(file.text().value(), "one");
    EXPECT_EQ(file.previous().value(), "zero");
    EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 2);
}

TEST_F(ConfigurationFileAfterACut, AFileThatIsGoneIsNotMadeAnew) {
    fs::remove(path_);
    EXPECT_FALSE(ConfigurationFile(path_).replace("two").has_value());
    EXPECT_FALSE(fs::exists(path_));
}

}  // namespace
}  // namespace appliance::control
