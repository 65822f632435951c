#include "appliance/cli/deploy/children.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <thread>

namespace appliance::cli {
namespace {

using namespace std::chrono_literals;

class ChildrenTest : public testing::Test {
protected:
    // Until all have ended.
    void collect() {
        while (!children_.running().empty()) {
            std::vector<Children::Output> outputs;
            std::vector<Children::Ended> ended;
            children_.collect(200ms, outputs, ended);
            for (const auto& output : outputs) {
                output_[output.step] += output.text;
            }
            for (const auto& one : ended) {
                ended_[one.step] = one;
            }
        }
    }

    // A named one, new for each call.
    static std::string make_pipe() {
        std::string path = testing::TempDir() + "children-pipe-" + std::to_string(::getpid());
        ::unlink(path.c_str());
        EXPECT_EQ(::mkfifo(path.c_str(), 0600), 0);
        return path;
    }

    Children children_;
    std::map<unsigned, std::string> output_;
    std::map<unsigned, Children::Ended> ended_;
};

TEST_F(ChildrenTest, TellOutputAndExitCode) {
    children_.start(7, "echo out; echo err >&2; exit 3", 10s, {});
    collect();
    EXPECT_EQ(output_[7], "out\nerr\n");
    EXPECT_EQ(ended_[7].exit_code, 3);
    EXPECT_EQ(ended_[7].trouble, "");
}

TEST_F(ChildrenTest, RunSideBySide) {
    // Each waits for the other's file: one after the other they would never end.
    const std::string folder = testing::TempDir();
    const auto meet = [&](const char* mine, const char* other) {
        return "cd " + folder + " && touch " + mine + " && until [ -e " + other + " ]; do sleep 0.01; done";
    };
    children_.start(1, meet("children-a", "children-b"), 10s, {});
    children_.start(2, meet("children-b", "children-a"), 10s, {});
    collect();
    EXPECT_EQ(ended_[1].exit_code + ended_[2].exit_code, 0);
    ::unlink((folder + "children-a").c_str());
    ::unlink((folder + "children-b").c_str());
}

TEST_F(ChildrenTest, HaveTheServerInTheirEnvironmentAndNoInput) {
    children_.start(1, "echo $GATEHOUSE_SERVER; cat", 10s, {"GATEHOUSE_SERVER=web1"});
    collect();
    EXPECT_EQ(output_[1], "web1\n");
}

TEST_F(ChildrenTest, AreEndedAtTheirLimitWithAllThatTheyHaveStarted) {
    children_.start(1, "sleep 60 & sleep 60; echo never", 50ms, {});
    collect();
    EXPECT_EQ(ended_[1].exit_code, 128 + SIGTERM);
    EXPECT_EQ(ended_[1].trouble, "it took longer than run_timeout");
    EXPECT_EQ(output_[1], "");
}

TEST_F(ChildrenTest, AreEndedWhenCancelled) {
    children_.start(1, "sleep 60", 60s, {});
    children_.cancel(1, "aborted");
    collect();
    EXPECT_EQ(ended_[1].trouble, "aborted");
}

TEST_F(ChildrenTest, AProcessThatKeepsTheOutputOpenDoesNotDelayTheEnd) {
    children_.start(1, "sleep 30 & echo started", 60s, {});
    collect();
    EXPECT_EQ(output_[1], "started\n");
    EXPECT_EQ(ended_[1].exit_code, 0);
}

TEST_F(ChildrenTest, RunAStepOnceHoweverOftenItIsGivenOut) {
    EXPECT_TRUE(children_.start(1, "read -r line < /dev/null; echo first", 60s, {}));
    EXPECT_FALSE(children_.start(1, "echo second", 60s, {}));
    collect();
    EXPECT_EQ(output_[1], "first\n");
}

TEST_F(ChildrenTest, TellALineInOnePieceThoughItIsWrittenInTwo) {
    // A line of two pieces is complete when its second piece has come, whatever the reader does meanwhile.
    Children patient(1h);
    const std::string pipe = make_pipe();
    patient.start(1, "printf one; read -r go < " + pipe + "; printf ' two\\nthree'", 60s, {});
    std::vector<Children::Output> outputs;
    std::vector<Children::Ended> ended;
    std::thread writer([&] { std::ofstream(pipe) << "go\n"; });
    while (ended.empty()) {
        patient.collect(200ms, outputs, ended);
    }
    writer.join();
    std::string all;
    for (const auto& output : outputs) {
        EXPECT_NE(output.text, "one");
        all += output.text;
    }
    EXPECT_EQ(all, "one two\nthree");
    EXPECT_EQ(outputs.front().text, "one two\n");
    ::unlink(pipe.c_str());
}

TEST_F(ChildrenTest, TellAnUnfinishedLineWhenItsTimeIsOver) {
    Children hasty(0ms);
    const std::string pipe = make_pipe();
    hasty.start(1, "printf 'password: '; read -r go < " + pipe, 60s, {});
    std::vector<Children::Output> outputs;
    std::vector<Children::Ended> ended;
    while (outputs.empty()) {
        hasty.collect(200ms, outputs, ended);
    }
    EXPECT_EQ(outputs.front().text, "password: ");
    EXPECT_TRUE(ended.empty());
    ::unlink(pipe.c_str());
}

TEST_F(ChildrenTest, TellALineThatIsTooLongInPieces) {
    for (const std::size_t size : {Children::line_max - 1, Children::line_max}) {
        Children patient(1h);
        const std::string pipe = make_pipe();
        patient.start(1, "head -c " + std::to_string(size) + " /dev/zero | tr '\\0' x; read -r go < " + pipe, 60s, {});
        std::vector<Children::Output> outputs;
        std::vector<Children::Ended> ended;
        if (size < Children::line_max) {
            std::ofstream(pipe) << "go\n";  // returns when the command has opened it, after its output
            while (ended.empty()) {
                patient.collect(200ms, outputs, ended);
            }
        }
        while (outputs.empty()) {
            patient.collect(200ms, outputs, ended);
        }
        EXPECT_EQ(ended.empty(), size == Children::line_max) << "a line at the limit is told before its end";
        EXPECT_EQ(outputs.front().text.size(), size);
        ::unlink(pipe.c_str());
    }
}

TEST_F(ChildrenTest, AreAllEndedAtOnceAndTold) {
    std::vector<Children::Output> outputs;
    std::vector<Children::Ended> ended;
    children_.start(1, "trap '' TERM; echo deaf; while :; do sleep 60; done", 60s, {});
    while (outputs.empty()) {
        children_.collect(200ms, outputs, ended);
    }
    children_.start(2, "sleep 60", 60s, {});
    children_.end_all("left", 0ms, outputs, ended);
    ASSERT_EQ(ended.size(), 2U);
    for (const auto& one : ended) {
        EXPECT_EQ(one.trouble, "left");
        EXPECT_TRUE(one.exit_code == 128 + SIGKILL || (one.step == 2 && one.exit_code == 128 + SIGTERM));
    }
    EXPECT_TRUE(children_.running().empty());
}

// A killed process cannot tidy up; the pipe's end tells when the last process of the command has gone.
TEST_F(ChildrenTest, EndWithTheProcessThatStartedThemHoweverItEnds) {
    const std::string pipe = make_pipe();
    const pid_t starter = ::fork();
    if (starter == 0) {
        Children children;
        children.start(1, "exec 9> " + pipe + "; echo up >&9; sleep 1000 & sleep 1000; echo never", 1h, {});
        for (;;) {
            ::pause();
        }
    }
    std::ifstream held(pipe);
    std::string line;
    std::getline(held, line);
    EXPECT_EQ(line, "up");
    ::kill(starter, SIGKILL);
    ::waitpid(starter, nullptr, 0);
    EXPECT_FALSE(std::getline(held, line)) << line;
    ::unlink(pipe.c_str());
}

}  // namespace
}  // namespace appliance::cli
