#include "appliance/cli/deploy/remembered.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/base/descriptor.hpp"
#include "tests/support/temporary_folder.hpp"

namespace appliance::cli {
namespace {

using config::Purpose;
using config::ServerCommand;
using ::testing::HasSubstr;

ServerCommand sent(const std::string& text, Purpose purpose = Purpose::run) {
    return {purpose, "web1", "10.0.0.11", 80, text, "--run by ann"};
}

Json shown(std::int64_t id, const std::string& strategy = "rolling", std::int64_t undoes = 0) {
    return {{"id", id}, {"strategy", strategy}, {"undoes", undoes}};
}

class Memory : public ::testing::Test {
protected:
    [[nodiscard]] core::Result<std::optional<Ordered>> look(const std::string& daemon = "/run/sock") const {
        return recall(file_, daemon);
    }
    void keep(std::int64_t rollout, const std::string& daemon = "/run/sock") const {
        const auto kept = remember(file_, {daemon, rollout, permit_});
        ASSERT_TRUE(kept) << kept.error().line();
    }
    void expect_trouble(const std::string& why) const {
        const auto found = look();
        ASSERT_FALSE(found);
        EXPECT_THAT(found.error().line(), HasSubstr(why));
        EXPECT_EQ(found.error().line().find('\n'), std::string::npos);
    }
    [[nodiscard]] static mode_t mode_of(const std::filesystem::path& path) {
        struct stat facts {};
        return ::stat(path.c_str(), &facts) == 0 ? facts.st_mode & 07777U : 0;
    }
    void write(const std::string& text) const { std::ofstream(file_) << text; }

    tests::TemporaryFolder folder_;
    std::filesystem::path file_ = folder_.path() / "state/gatehouse/deploys.json";
    Permit permit_{OwnCommands{"ssh {host} new", "ssh {host} old"}};
};

TEST_F(Memory, KeepsWhatMayRunOfARollout) {
    permit_.accept({sent("a"), sent("b\n\"c\"", Purpose::rollback)});
    keep(7);
    const auto found = look();
    ASSERT_TRUE(found && *found);
    const Permit permit = permit_for(**found, shown(7));
    EXPECT_TRUE(permit.check(sent("ssh 10.0.0.11 new")));
    EXPECT_TRUE(permit.check(sent("ssh 10.0.0.11 old", Purpose::rollback)));
    EXPECT_TRUE(permit.check(sent("a")));
    EXPECT_TRUE(permit.check(sent("b\n\"c\"", Purpose::rollback)));
}

TEST_F(Memory, AllowsNoCommandThatWasChanged) {
    keep(7);
    const Permit permit = permit_for(**look(), shown(7));
    EXPECT_FALSE(permit.check(sent("ssh 10.0.0.11 new; id")));
    EXPECT_FALSE(permit.check(sent("ssh 10.0.0.11 old")));
    ServerCommand wide = sent("ssh $(id) new");
    wide.host = "$(id)";
    EXPECT_FALSE(permit.check(wide));
}

TEST_F(Memory, KnowsNothingOfAnotherDaemonOrAnotherRollout) {
    keep(7);
    const auto other = look("/run/other");
    ASSERT_TRUE(other);
    EXPECT_FALSE(*other);
    EXPECT_TRUE(permit_for(**look(), shown(8)).empty());
    EXPECT_TRUE(permit_for(**look(), shown(8, "rolling", 7)).empty());
    EXPECT_TRUE(permit_for(**look(), Json::object()).empty());
}

TEST_F(Memory, OfARollbackAllowsTheRollbacksCommandsAlone) {
    permit_.accept({sent("a"), sent("b", Purpose::rollback)});
    keep(7);
    const Permit undo = permit_for(**look(), shown(8, "rollback", 7));
    EXPECT_TRUE(undo.check(sent("ssh 10.0.0.11 old")));
    EXPECT_TRUE(undo.check(sent("b")));
    EXPECT_FALSE(undo.check(sent("ssh 10.0.0.11 new")));
    EXPECT_FALSE(undo.check(sent("a")));
    EXPECT_FALSE(undo.check(sent("ssh 10.0.0.11 old", Purpose::rollback)));
    EXPECT_TRUE(permit_for(**look(), shown(8, "rollback", 6)).empty());
}

// A daemon that shows an earlier rollout once more gets nothing of it run.
TEST_F(Memory, OfADaemonKeepsTheLastRolloutOnly) {
    keep(7);
    permit_ = Permit(OwnCommands{"ssh {host} newer", {}});
    keep(8);
    EXPECT_TRUE(permit_for(**look(), shown(7)).empty());
    EXPECT_TRUE(permit_for(**look(), shown(8)).check(sent("ssh 10.0.0.11 newer")));
    EXPECT_FALSE(permit_for(**look(), shown(8)).check(sent("ssh 10.0.0.11 new")));
}

TEST_F(Memory, KeepsTheLastHundred) {
    for (int daemon = 1; daemon <= 101; ++daemon) {
        keep(daemon, fmt::format("/run/{}", daemon));
    }
    EXPECT_FALSE(*look("/run/1"));
    for (const int daemon : {2, 100, 101}) {
        const auto found = look(fmt::format("/run/{}", daemon));
        ASSERT_TRUE(found && *found) << daemon;
        EXPECT_EQ((*found)->rollout, daemon);
    }
}

TEST_F(Memory, ForgetsTheOldestForWhatIsLarge) {
    keep(1, "/run/1");
    permit_.accept({sent(std::string(std::size_t{3} << 20, 'x'))});
    keep(2, "/run/2");
    EXPECT_TRUE(*look("/run/1"));
    keep(3, "/run/3");
    EXPECT_FALSE(*look("/run/1"));
    EXPECT_FALSE(*look("/run/2"));
    ASSERT_TRUE(*look("/run/3"));
    permit_.accept({sent(std::string(std::size_t{4} << 20, 'x'))});
    EXPECT_FALSE(remember(file_, {"/run/4", 4, permit_}));
    EXPECT_TRUE(*look("/run/3"));
}

TEST_F(Memory, IsForItsOwnerAlone) {
    const mode_t before = ::umask(0);
    keep(7);
    ::umask(before);
    EXPECT_EQ(mode_of(file_), 0600U);
    EXPECT_EQ(mode_of(file_.parent_path()), 0700U);
    EXPECT_EQ(mode_of(file_.parent_path().parent_path()), 0700U);
}

TEST_F(Memory, TrustsNoFileAndNoFolderThatOthersCanWrite) {
    keep(7);
    for (const mode_t mode : {0620U, 0602U, 0666U}) {
        ::chmod(file_.c_str(), mode);
        expect_trouble("others than you may write " + file_.string());
    }
    ::chmod(file_.c_str(), 0600);
    ::chmod(file_.parent_path().c_str(), 0770);
    expect_trouble("others than you may write " + file_.parent_path().string());
    EXPECT_FALSE(remember(file_, {"/run/sock", 8, permit_}));
    ::chmod(file_.parent_path().c_str(), 0700);
    EXPECT_EQ((*look())->rollout, 7);
}

TEST_F(Memory, TrustsNoFileOfAnotherOwner) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "needs root, which can give a file away";
    }
    keep(7);
    ASSERT_EQ(::chown(file_.c_str(), 65534, 65534), 0);
    expect_trouble("belongs to uid 65534");
    ASSERT_EQ(::chown(file_.c_str(), 0, 0), 0);
    ASSERT_EQ(::chown(file_.parent_path().c_str(), 65534, 65534), 0);
    expect_trouble("belongs to uid 65534");
}

TEST_F(Memory, ReadsNothingButAFile) {
    keep(7);
    const auto aside = folder_.path() / "aside";
    std::filesystem::rename(file_, aside);
    std::filesystem::create_symlink(aside, file_);
    expect_trouble(file_.string());
    std::filesystem::remove(file_);
    ASSERT_EQ(::mkfifo(file_.c_str(), 0600), 0);
    expect_trouble("it is not a file");
    std::filesystem::remove(file_);
    std::filesystem::create_directory(file_);
    ::chmod(file_.c_str(), 0700);
    expect_trouble("it is not a file");
}

TEST_F(Memory, TakesNoPartOfADamagedFile) {
    keep(7);
    const std::string good = R"({"daemon": "/run/sock", "rollout": 7, "run": "x", "commands": []})";
    write(R"({"deploys": [)" + good + "]}");
    ASSERT_TRUE(look() && *look());
    for (const std::string& text :
         {std::string(), std::string("{"), std::string("[]"), std::string(R"({"deploys": {}})"),
          R"({"deploys": [)" + good + R"(, 1]})", R"({"deploys": [)" + good + R"(, {"daemon": "/run/a"}]})",
          R"({"deploys": [)" + good + R"(, {"daemon": "/run/a", "rollout": "7", "commands": []}]})",
          R"({"deploys": [)" + good + R"(, {"daemon": "/run/a", "rollout": 7, "commands": [{"purpose": "else"}]}]})",
          R"({"deploys": [)" + good + R"(], "more": )" + std::string(100, '[') + std::string(100, ']') + "}",
          std::string(std::size_t{5} << 20, ' ') + R"({"deploys": []})"}) {
        write(text);
        expect_trouble("remove " + file_.string());
    }
    keep(8);
    EXPECT_EQ((*look())->rollout, 8);
}

TEST_F(Memory, SaysWhereNothingCanBeKept) {
    file_.clear();
    expect_trouble("neither XDG_STATE_HOME nor HOME");
    EXPECT_FALSE(remember(file_, {"/run/sock", 8, permit_}));
    file_ = "/proc/gatehouse/deploys.json";
    EXPECT_FALSE(remember(file_, {"/run/sock", 8, permit_}));
    if (::geteuid() != 0) {
        expect_trouble("/proc");
    }
    file_ = folder_.path() / "file/gatehouse/deploys.json";
    std::ofstream(folder_.path() / "file") << "x";
    EXPECT_FALSE(remember(file_, {"/run/sock", 8, permit_}));
    EXPECT_FALSE(look());
}

TEST_F(Memory, DoesNotWaitForAnotherProcessThatHoldsTheFolder) {
    keep(7);
    const core::base::Descriptor held(::open(file_.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    ASSERT_EQ(::flock(held.get(), LOCK_EX), 0);
    EXPECT_FALSE(remember(file_, {"/run/sock", 8, permit_}));
    EXPECT_EQ((*look())->rollout, 7);
    ASSERT_EQ(::flock(held.get(), LOCK_UN), 0);
    keep(8);
    EXPECT_EQ((*look())->rollout, 8);
}

TEST(MemoryFile, LiesWhereStateOfAUserLies) {
    const char* const home = std::getenv("HOME");
    const char* const state = std::getenv("XDG_STATE_HOME");
    const std::string home_before = home == nullptr ? "" : home;
    const std::string state_before = state == nullptr ? "" : state;
    ::setenv("HOME", "/home/ann", 1);
    ::setenv("XDG_STATE_HOME", "/state", 1);
    EXPECT_EQ(memory_file(), "/state/gatehouse/deploys.json");
    ::setenv("XDG_STATE_HOME", "state", 1);
    EXPECT_EQ(memory_file(), "/home/ann/.local/state/gatehouse/deploys.json");
    ::unsetenv("XDG_STATE_HOME");
    EXPECT_EQ(memory_file(), "/home/ann/.local/state/gatehouse/deploys.json");
    ::setenv("HOME", "", 1);
    EXPECT_EQ(memory_file(), "");
    ::setenv("HOME", home_before.c_str(), 1);
    ::setenv("XDG_STATE_HOME", state_before.c_str(), 1);
}

TEST(MemoryFile, ADaemonIsNamedByItsWholePlace) {
    Common common;
    common.socket = "/run/a/../sock";
    EXPECT_EQ(daemon_name(common), "/run/sock");
    common.socket = "sock";
    EXPECT_EQ(daemon_name(common), (std::filesystem::current_path() / "sock").string());
    common.remote = api::Place{"gate.example.org", 9443, "token"};
    EXPECT_EQ(daemon_name(common), "gate.example.org:9443");
}

}  // namespace
}  // namespace appliance::cli
