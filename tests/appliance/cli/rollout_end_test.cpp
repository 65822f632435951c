#include "appliance/cli/views/rollout_end.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "appliance/cli/deploy/rollout_view.hpp"

namespace appliance::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

Json ended_rollout(const char* state, std::vector<std::pair<const char*, const char*>> steps) {
    Json made{{"id", 3}, {"state", state}, {"settings", {{"wait", "0s"}}}, {"steps", Json::array()}};
    for (const auto& [kind, progress] : steps) {
        made["steps"].push_back({{"kind", kind}, {"progress", progress}});
    }
    return made;
}

TEST(RolloutEnd, IsZeroWhereAllWasDoneAndOneWhereItStopped) {
    EXPECT_EQ(exit_code_of(ended_rollout("done", {{"run", "done"}})), 0);
    EXPECT_EQ(exit_code_of(ended_rollout("paused", {{"run", "failed"}})), 1);
    EXPECT_EQ(exit_code_of(ended_rollout("failed", {})), 1);
    EXPECT_EQ(exit_code_of(ended_rollout("aborted", {})), 1);
    EXPECT_EQ(exit_code_of(ended_rollout("undone", {})), 1);
    EXPECT_EQ(exit_code_of(Json()), 1);
}

TEST(RolloutEnd, IsZeroWhereTestersLook) {
    EXPECT_EQ(exit_code_of(ended_rollout("paused", {{"preview", "done"}, {"show", "pending"}})), 0);
    EXPECT_EQ(exit_code_of(ended_rollout("paused", {{"preview", "done"}, {"show", "failed"}})), 1);
    EXPECT_EQ(exit_code_of(ended_rollout("paused", {{"preview", "pending"}, {"show", "pending"}})), 1);
    EXPECT_THAT(show_end(ended_rollout("paused", {{"preview", "done"}, {"show", "pending"}}), {}),
                HasSubstr("gatehouse deploy resume shows it to all"));
}

TEST(RolloutEnd, IsFourWhereTheWaitForGuardsRanOut) {
    Json waited = ended_rollout("paused", {{"guard", "failed"}});
    EXPECT_EQ(exit_code_of(waited), 1);
    waited["settings"]["wait"] = "2s";
    EXPECT_EQ(exit_code_of(waited), 4);
    EXPECT_THAT(show_end(waited, {}), HasSubstr("resume waits for the guards again"));
    EXPECT_THAT(show_end(waited, {.width = 200}), HasSubstr("no other deploy can start"));
}

TEST(RolloutEnd, IsFourWhereItHasExpired) {
    Json expired = ended_rollout("aborted", {{"guard", "failed"}});
    expired["expires"] = "2026-11-22T14:00:00Z";
    expired["ended"] = "2026-11-22T13:59:59Z";
    EXPECT_EQ(exit_code_of(expired), 1) << "it was aborted before";
    expired["ended"] = "2026-11-22T14:00:00Z";
    EXPECT_EQ(exit_code_of(expired), 4);
    expired["steps"][0]["kind"] = "run";
    EXPECT_EQ(exit_code_of(expired), 1);
}

TEST(RolloutEnd, SaysTriesAgainOnlyWhereSomethingHasFailed) {
    const std::string paused = show_end(ended_rollout("paused", {{"run", "done"}, {"run", "pending"}}), {});
    EXPECT_THAT(paused, HasSubstr("gatehouse deploy resume goes on"));
    EXPECT_THAT(paused, Not(HasSubstr("tries again")));
    EXPECT_THAT(show_end(ended_rollout("paused", {{"run", "failed"}}), {}), HasSubstr("tries again"));
}

TEST(RolloutEnd, SaysHowToOpenWhatStaysFenced) {
    Json aborted = ended_rollout("aborted", {{"run", "failed"}});
    aborted["held"] = {"web1", "web2"};
    EXPECT_THAT(show_end(aborted, {}), HasSubstr("gatehouse unfence web1 web2"));
}

}  // namespace
}  // namespace appliance::cli
