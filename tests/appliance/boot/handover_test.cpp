// The handover from one program to the next, and the rehearsal before it.
#include "appliance/boot/supervisor/handover.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "appliance/boot/supervisor/rehearsal.hpp"

namespace appliance::boot {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Handover sample() {
    Handover handover;
    handover.program = "/usr/bin/gatehouse";
    handover.control_path = "/run/gatehouse/control.sock";
    handover.control_socket = 5;
    handover.claim = -1;
    handover.image = 6;
    handover.listeners = {{*core::Address::parse("[::]:80"), {7, 8}}, {*core::Address::parse("10.0.0.1:443"), {}}};
    const std::chrono::steady_clock::time_point end_by(std::chrono::milliseconds(12'345));
    handover.proxies = {{100, 9, std::nullopt}, {101, 10, end_by}};
    handover.leaving = {102, 103};
    handover.upgrade = {3, "0.1", "0.2", 100, "ann", "b\u00e9cause", ""};
    return handover;
}

TEST(Handover, ComesOutAsItWentIn) {
    const auto read = parse_handover(print(sample()));
    ASSERT_TRUE(read.has_value()) << read.error().line();
    EXPECT_EQ(*read, sample());
    EXPECT_EQ(*parse_handover(print(Handover{})), Handover{});
}

TEST(Handover, NamesEachDescriptorThatHasToOutliveTheExec) {
    EXPECT_THAT(sample().descriptors(), ElementsAre(5, 6, 7, 8, 9, 10));
}

TEST(Handover, OfAnotherFormatOrNoneIsAnError) {
    std::string other = print(sample());
    other.replace(other.find("\"format\":1"), 10, "\"format\":2");
    for (const std::string& text : {other, std::string("{}"), std::string(), std::string("[1]")}) {
        EXPECT_FALSE(parse_handover(text).has_value()) << text;
    }
}

TEST(Handover, IsNotTakenFromWhatIsNotOurs) {
    EXPECT_FALSE(take_handover()->has_value());
    ::setenv("GATEHOUSE_HANDOVER", std::to_string(::dup(STDIN_FILENO)).c_str(), 1);
    const auto taken = take_handover();
    ASSERT_FALSE(taken.has_value());
    EXPECT_THAT(taken.error().line(), HasSubstr("GATEHOUSE_HANDOVER"));
    EXPECT_EQ(::getenv("GATEHOUSE_HANDOVER"), nullptr);
}

TEST(Handover, ThatCannotBeGivenChangesNothing) {
    Handover handover;
    handover.program = "/nonexistent/gatehouse";
    handover.control_socket = ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
    const core::Error error = become(handover, "g.toml", -1);
    EXPECT_EQ(error.os_error, ENOENT);
    EXPECT_EQ(::fcntl(handover.control_socket, F_GETFD), FD_CLOEXEC);
    EXPECT_EQ(::getenv("GATEHOUSE_HANDOVER"), nullptr);
    ::close(handover.control_socket);
}

class RehearsalTest : public testing::Test {
protected:
    RehearsalTest() {
        std::string name = "/tmp/gatehouse-rehearsal-XXXXXX";
        folder_ = ::mkdtemp(name.data());
        program_ = folder_ / "gatehouse";
    }
    ~RehearsalTest() override { std::filesystem::remove_all(folder_); }

    core::Result<std::string> rehearse(const std::string& script) const {
        std::ofstream(program_) << script;
        ::chmod(program_.c_str(), 0755);
        const auto begun = Rehearsal::begin(program_, "g.toml");
        EXPECT_TRUE(begun.has_value()) << begun.error().line();
        int status = 0;
        EXPECT_EQ(::waitpid(begun->pid(), &status, 0), begun->pid());
        return begun->judge(status);
    }

    std::filesystem::path folder_;
    std::filesystem::path program_;
};

TEST_F(RehearsalTest, TellsTheVersionOfABinaryThatWillDo) {
    const auto version = rehearse("#!/bin/sh\n[ \"$1 $2 $3\" = '--rehearse 1 g.toml' ] && echo gatehouse 0.2\n");
    ASSERT_TRUE(version.has_value()) << version.error().line();
    EXPECT_EQ(*version, "0.2");
}

TEST_F(RehearsalTest, TellsInOneLineWhyAnotherWillNot) {
    const std::vector<std::pair<const char*, const char*>> cases{
        {"#!/bin/sh\necho 'gatehouse: first' >&2\necho second\nexit 1\n", ": first; nothing has changed"},
        {"#!/bin/sh\nkill -9 $$\n", "signal 9"},
        {"#!/bin/sh\nexit 0\n", "exit code 0"},
        {"#!/bin/sh\necho something else\n", "something else"},
        {"not a program", "it cannot be executed"},
    };
    for (const auto& [script, why] : cases) {
        const auto version = rehearse(script);
        ASSERT_FALSE(version.has_value()) << script;
        EXPECT_THAT(version.error().line(), HasSubstr(why));
        EXPECT_EQ(version.error().line().find('\n'), std::string::npos);
    }
}

TEST_F(RehearsalTest, DoesNotBeginWithWhatIsNoExecutableFile) {
    EXPECT_EQ(Rehearsal::begin(program_, "g.toml").error().os_error, ENOENT);
    EXPECT_EQ(Rehearsal::begin(folder_, "g.toml").error().os_error, EACCES);
}

TEST_F(RehearsalTest, KnowsItsOwnFormatOnly) {
    const char* other[] = {"gatehouse", "--rehearse", "2", "/nonexistent.toml"};
    ASSERT_TRUE(is_rehearsal(4, other));
    testing::internal::CaptureStderr();
    EXPECT_EQ(run_rehearsal(4, other), 1);
    EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("restart the daemon"));
    const char* run[] = {"gatehouse", "run", "-c", "g.toml"};
    EXPECT_FALSE(is_rehearsal(4, run));
}

}  // namespace
}  // namespace appliance::boot
