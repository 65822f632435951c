#include "appliance/cli/children.hpp"

#include <gtest/gtest.h>
#include <signal.h>

#include <map>

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

TEST_F(ChildrenTest, WhoKeepsTheOutputOpenDoesNotHoldTheEndUp) {
    children_.start(1, "sleep 30 & echo started", 60s, {});
    collect();
    EXPECT_EQ(output_[1], "started\n");
    EXPECT_EQ(ended_[1].exit_code, 0);
}

}  // namespace
}  // namespace appliance::cli
