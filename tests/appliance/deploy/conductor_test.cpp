#include "appliance/deploy/conductor.hpp"

#include <gmock/gmock.h>

#include <fstream>

#include "appliance/deploy/ledger.hpp"
#include "tests/appliance/deploy/world.hpp"

namespace appliance::deploy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(ConductorTest, DeploysOneServerAfterTheOther) {
    start(order());
    EXPECT_THAT(run_to_end(), ElementsAre("web1", "web2"));
    EXPECT_EQ(state(), "done");
    EXPECT_THAT(world_.fenced(), IsEmpty());
    EXPECT_EQ(step("verify", "web2")["evidence"], "200, contains 'release 2'");
}

TEST_F(ConductorTest, FillsTheCommandInForItsServer) {
    start(order());
    const Json command = take_one();
    EXPECT_EQ(command["command"], "deploy web1");
    EXPECT_EQ(command["port"], world_.web1.address.port());
}

TEST_F(ConductorTest, StopsAtAFailedCommandAndLeavesTheServerFenced) {
    start(order());
    EXPECT_THAT(run_to_end(3), ElementsAre("web1"));
    EXPECT_EQ(state(), "paused");
    EXPECT_THAT(world_.fenced(), ElementsAre("web1"));
    EXPECT_EQ(step("run", "web1")["evidence"], "exit code 3");
    EXPECT_EQ(step("warm", "web1")["progress"], "pending");
}

TEST_F(ConductorTest, StopsAtAnAnswerThatIsNotTheExpectedOne) {
    world_.web1.site.name = "web1 release 1";
    start(order());
    run_to_end();
    EXPECT_EQ(state(), "paused");
    EXPECT_THAT(step("verify", "web1")["evidence"].get<std::string>(), HasSubstr("does not contain 'release 2'"));
    EXPECT_THAT(world_.fenced(), ElementsAre("web1"));
}

TEST_F(ConductorTest, ResumeTriesAgainWhatHasFailed) {
    world_.web1.site.unhealthy = true;
    start(order());
    run_to_end();
    EXPECT_EQ(state(), "paused");
    world_.web1.site.unhealthy = false;
    ASSERT_TRUE(conductor_->resume({"ann", ""}, false).has_value());
    EXPECT_THAT(run_to_end(), ElementsAre("web2"));
    EXPECT_EQ(state(), "done");
}

TEST_F(ConductorTest, SkipTakesWhatHasFailedForDone) {
    start(order());
    run_to_end(1);
    ASSERT_TRUE(conductor_->resume({"ann", "done by hand"}, true).has_value());
    EXPECT_THAT(run_to_end(), ElementsAre("web2"));
    EXPECT_EQ(step("run", "web1")["progress"], "skipped");
}

TEST_F(ConductorTest, GoesOnWithoutAsManyServersAsMayFail) {
    Order wanted = order();
    wanted.recipe.tolerate = 1;
    wanted.recipe.min_healthy = 0;
    world_.web1.site.unhealthy = true;
    start(wanted);
    run_to_end();
    EXPECT_EQ(state(), "failed");
    EXPECT_THAT(world_.fenced(), ElementsAre("web1"));
    EXPECT_EQ(step("open", "web2")["progress"], "done");
    EXPECT_EQ(step("open", "web1")["progress"], "skipped");
}

TEST_F(ConductorTest, WantsEnoughOthersBeforeItFences) {
    world_.up = false;
    start(order());
    run_to_end();
    EXPECT_EQ(state(), "paused");
    EXPECT_EQ(step("floor", "web1")["progress"], "failed");
    EXPECT_THAT(world_.fenced(), IsEmpty());
}

TEST_F(ConductorTest, WaitsForWhatIsInFlightAndStopsWhenItDoesNotEnd) {
    world_.in_flight = 2;
    start(order());
    run_to_end();
    EXPECT_EQ(state(), "paused");
    EXPECT_THAT(step("fence", "web1")["evidence"].get<std::string>(), HasSubstr("2 still in flight: drain was 100ms"));
}

TEST_F(ConductorTest, AbortOpensWhatWasNotTouched) {
    world_.in_flight = 1;
    start(order());
    run_to_end();
    EXPECT_THAT(world_.fenced(), ElementsAre("web1"));
    ASSERT_TRUE(conductor_->abort({"ann", ""}).has_value());
    EXPECT_EQ(state(), "aborted");
    EXPECT_THAT(world_.fenced(), IsEmpty());
}

TEST_F(ConductorTest, AbortLeavesFencedWhatWasTouched) {
    start(order());
    run_to_end(1);
    ASSERT_TRUE(conductor_->abort({"ann", ""}).has_value());
    EXPECT_THAT(world_.fenced(), ElementsAre("web1"));
}

TEST_F(ConductorTest, AbortOpensAServerIfItsCommandWasNotTaken) {
    start(order());
    while (step("run", "web1")["progress"] != "running") {
        std::this_thread::yield();
    }
    ASSERT_TRUE(conductor_->abort({"ann", ""}).has_value());
    EXPECT_THAT(world_.fenced(), IsEmpty());
}

TEST_F(ConductorTest, MaintenanceShowsThePageAndTakesAllAtOnce) {
    Order wanted = order();
    wanted.strategy = Strategy::maintenance;
    start(wanted);
    EXPECT_FALSE(take_one().is_null());
    EXPECT_TRUE(world_.paged);
    EXPECT_EQ(world_.fenced().size(), 2U);
    // We have taken that command, and do not report it as running: it is given out again.
    EXPECT_EQ(run_to_end().size(), 2U);
    EXPECT_FALSE(world_.paged);
    EXPECT_EQ(state(), "done");
}

TEST_F(ConductorTest, GivesACommandThatHasNotArrivedOutAgainAndOneThatRunsNot) {
    start(order());
    const unsigned step = take_one()["step"];
    EXPECT_THAT(sync({step})["take"], IsEmpty());
    EXPECT_EQ(sync()["take"].size(), 1U);
    EXPECT_THAT(sync({step}, {}, "another")["take"], IsEmpty());
}

TEST_F(ConductorTest, AResultThatIsAcknowledgedIsOnTheDisk) {
    start(order());
    const unsigned step_id = take_one()["step"];
    sync({}, {{step_id, 0, ""}});
    const auto kept = Ledger::open(folder_).value().find(rollout_).value();
    ASSERT_TRUE(kept.has_value());
    EXPECT_EQ(kept->steps.at(step_id).progress, Progress::done);
}

TEST_F(ConductorTest, WhilePausedNoCommandIsGivenOut) {
    start(order());
    while (step("run", "web1")["progress"] != "running") {
        std::this_thread::yield();
    }
    ASSERT_TRUE(conductor_->pause({"ann", "lunch"}).has_value());
    while (step("run", "web1")["progress"] != "pending") {
        EXPECT_THAT(sync()["take"], IsEmpty());
    }
    ASSERT_TRUE(conductor_->resume({"ann", ""}, false).has_value());
    EXPECT_THAT(run_to_end(), ElementsAre("web1", "web2"));
    EXPECT_EQ(state(), "done");
}

TEST_F(ConductorTest, OneRolloutAtATime) {
    start(order());
    const auto second = conductor_->start(order());
    ASSERT_FALSE(second.has_value());
    EXPECT_EQ(second.error().status, 409);
    EXPECT_THAT(second.error().error.line(), HasSubstr("rollout 1 of app is running: ann began it"));
}

TEST_F(ConductorTest, AGuardThatDoesNotAgreeForbidsItUnlessOverridden) {
    world_.guards_agree = false;
    const auto refused = conductor_->start(order());
    ASSERT_FALSE(refused.has_value());
    EXPECT_THAT(refused.error().error.line(), HasSubstr("meetings: 3 running"));
    Order wanted = order();
    wanted.overridden = "the meeting is ours";
    start(wanted);
    run_to_end();
    EXPECT_EQ(state(), "done");
    EXPECT_EQ(conductor_->view(1).value()["overridden"], "the meeting is ours");
}

TEST_F(ConductorTest, AGuardIsAskedAgainBeforeEachServer) {
    start(order());
    const unsigned step_id = take_one()["step"];
    world_.guards_agree = false;
    sync({}, {{step_id, 0, ""}});
    run_to_end();
    EXPECT_EQ(state(), "paused");
    EXPECT_EQ(step("guard", "web2")["progress"], "failed");
    EXPECT_THAT(world_.fenced(), IsEmpty());
}

TEST_F(ConductorTest, WaitsForItsGuardsAsLongAsItIsTold) {
    world_.guards_agree = false;
    Order wanted = order();
    wanted.recipe.wait = core::Milliseconds(200);
    start(wanted);
    EXPECT_THAT(run_to_end(), IsEmpty());
    EXPECT_EQ(state(), "paused");
    EXPECT_THAT(world_.fenced(), IsEmpty());
    EXPECT_THAT(journal(), HasSubstr("guard web1: waits: meetings: 3 running"));
}

TEST_F(ConductorTest, BeginsWhenItsTimeHasCome) {
    Order wanted = order();
    wanted.starts = core::base::wall_now() + core::Milliseconds(1000);
    start(wanted);
    while (step("wait", "web1")["progress"] == "pending") {
        std::this_thread::yield();
    }
    EXPECT_EQ(step("wait", "web1")["progress"], "running");
    begin_anew();
    EXPECT_THAT(run_to_end(), ElementsAre("web1", "web2"));
    EXPECT_GE(core::base::wall_now(), *wanted.starts);
    EXPECT_EQ(step("wait", "web1")["progress"], "done");
    EXPECT_THAT(journal(), HasSubstr("wait web1: until " + core::base::print_time(*wanted.starts)));
}

TEST_F(ConductorTest, EndsWithoutHavingBegunWhenItHasExpired) {
    world_.guards_agree = false;
    Order wanted = order();
    wanted.expires = core::Milliseconds(300);
    start(wanted);
    EXPECT_THAT(run_to_end(), IsEmpty());
    EXPECT_EQ(state(), "aborted");
    EXPECT_THAT(world_.fenced(), IsEmpty());
    EXPECT_THAT(conductor_->view(rollout_).value()["state_why"].get<std::string>(), HasSubstr("it expired at"));
    // The next one is not held up.
    world_.guards_agree = true;
    start(order());
    EXPECT_THAT(run_to_end(), ElementsAre("web1", "web2"));
}

TEST_F(ConductorTest, ItsTimeOutlivesARestartAndSoDoesItsEnd) {
    Order wanted = order();
    wanted.starts = core::base::wall_now() + core::Milliseconds(100);
    wanted.expires = core::Milliseconds(1);
    start(wanted);
    conductor_.reset();
    std::this_thread::sleep_for(core::Milliseconds(150));  // the machine was off when it should have begun
    begin();
    EXPECT_THAT(run_to_end(), IsEmpty());
    EXPECT_EQ(state(), "aborted");
}

TEST_F(ConductorTest, ReadsALedgerOfTheVersionBefore) {
    conductor_.reset();
    {
        auto old = state::Database::open(folder_ / "rollouts.db").value();
        ASSERT_TRUE(
            old.execute("DROP TABLE IF EXISTS rollouts; DROP TABLE IF EXISTS steps; DROP TABLE IF EXISTS journal;"
                        "CREATE TABLE rollouts(id INTEGER PRIMARY KEY AUTOINCREMENT, strategy TEXT NOT NULL,"
                        " recipe TEXT NOT NULL, state TEXT NOT NULL, state_why TEXT NOT NULL, who TEXT NOT NULL,"
                        " why TEXT NOT NULL, overridden TEXT NOT NULL, created INTEGER NOT NULL, ended INTEGER,"
                        " undoes INTEGER NOT NULL);"
                        "CREATE TABLE steps(rollout INTEGER NOT NULL, id INTEGER NOT NULL, kind TEXT NOT NULL,"
                        " batch INTEGER NOT NULL, servers TEXT NOT NULL, progress TEXT NOT NULL,"
                        " excused INTEGER NOT NULL, evidence TEXT NOT NULL, began INTEGER, ended INTEGER,"
                        " visitors_before TEXT NOT NULL DEFAULT '', visitors_after TEXT NOT NULL DEFAULT '',"
                        " PRIMARY KEY(rollout, id));"
                        "CREATE TABLE journal(number INTEGER PRIMARY KEY AUTOINCREMENT, rollout INTEGER NOT NULL,"
                        " time INTEGER NOT NULL, kind TEXT NOT NULL, step INTEGER, text TEXT NOT NULL);"
                        "INSERT INTO rollouts VALUES(7, 'rolling', '{\"pool\": \"app\"}', 'done', '', 'ann', '',"
                        " '', 1000, 2000, 0); PRAGMA user_version = 1"));
    }
    begin();
    EXPECT_EQ(conductor_->view(7).value()["who"], "ann");
    start(order());
    EXPECT_EQ(rollout_, 8);
}

TEST_F(ConductorTest, LeavesAServerThatAnOperatorHasFenced) {
    world_.by_hand = "web2";
    const auto refused = conductor_->start(order());
    ASSERT_FALSE(refused.has_value());
    EXPECT_THAT(refused.error().error.line(), HasSubstr("web2 is fenced by hand"));
}

TEST_F(ConductorTest, GoesOnAfterARestartWithACommandThatStillRuns) {
    start(order());
    const unsigned step_id = take_one()["step"];
    sync({step_id});
    begin_anew();
    EXPECT_EQ(state(), "running");
    EXPECT_THAT(sync({step_id})["take"], IsEmpty());
    sync({}, {{step_id, 0, ""}});
    EXPECT_THAT(run_to_end(), ElementsAre("web2"));
    EXPECT_EQ(state(), "done");
}

TEST_F(ConductorTest, GivesOutAfterARestartTheCommandsThatWereNotTaken) {
    start(order());
    while (step("run", "web1")["progress"] != "running") {
        std::this_thread::yield();
    }
    begin_anew();
    EXPECT_THAT(run_to_end(), ElementsAre("web1", "web2"));
}

TEST_F(ConductorTest, WaitsAfterARestartWhereItIsToldTo) {
    Order wanted = order();
    wanted.recipe.on_restart = config::OnRestart::pause;
    start(wanted);
    take_one();
    begin_anew();
    EXPECT_EQ(state(), "paused");
    EXPECT_THAT(world_.fenced(), ElementsAre("web1"));
}

TEST_F(ConductorTest, ARollbackTakesWhatWasTouchedAllAtOnce) {
    start(order());
    run_to_end();
    const auto back = conductor_->roll_back({"ann", "slow"}, "undo {server}", false);
    ASSERT_TRUE(back.has_value()) << back.error().error.line();
    rollout_ = (*back)["id"];
    EXPECT_EQ(run_to_end().size(), 2U);
    EXPECT_EQ(state(), "done");
    EXPECT_EQ(conductor_->view(1).value()["state"], "undone");
    EXPECT_THAT(world_.fenced(), IsEmpty());
}

TEST_F(ConductorTest, ARollbackWithoutACommandIsRefused) {
    start(order());
    run_to_end();
    const auto back = conductor_->roll_back({"ann", ""}, "", false);
    ASSERT_FALSE(back.has_value());
    EXPECT_EQ(back.error().status, 400);
    EXPECT_EQ(state(), "done");
}

TEST_F(ConductorTest, AFailureRollsBackWhereTheRecipeSaysSo) {
    Order wanted = order();
    wanted.recipe.on_failure = config::OnFailure::rollback;
    wanted.recipe.rollback = "undo {server}";
    start(wanted);
    const Json command = take_one();
    sync({}, {{command["step"], 1, ""}});
    while (state() != "undone") {
        std::this_thread::yield();
    }
    EXPECT_EQ(sync()["next"], 2);
    rollout_ = 2;
    EXPECT_THAT(run_to_end(), ElementsAre("web1"));
    EXPECT_EQ(state(), "done");
}

TEST_F(ConductorTest, WithoutALedgerNothingIsBegunAndItSaysWhy) {
    conductor_.reset();
    std::filesystem::remove_all(folder_);
    begin();
    const auto refused = conductor_->start(order());
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().status, 503);
    EXPECT_THAT(refused.error().error.line(), HasSubstr("rollouts.db"));
    EXPECT_THAT(world_.fenced(), IsEmpty());
}

TEST_F(ConductorTest, ADamagedLedgerIsToldAndNotOverwritten) {
    conductor_.reset();
    std::ofstream(folder_ / "rollouts.db") << "this is no database, and long enough to be looked at";
    begin();
    const auto refused = conductor_->start(order());
    ASSERT_FALSE(refused.has_value());
    EXPECT_THAT(refused.error().error.line(), HasSubstr("not a database"));
}

TEST_F(ConductorTest, ADryRunBeginsNothing) {
    Order wanted = order();
    wanted.dry_run = true;
    const auto plan = conductor_->start(wanted);
    ASSERT_TRUE(plan.has_value());
    EXPECT_EQ((*plan)["steps"].size(), 16U);
    EXPECT_EQ(conductor_->view(0).error().status, 404);
}

TEST_F(ConductorTest, TheReportHasWhatVisitorsSaw) {
    start(order());
    run_to_end();
    const auto report = conductor_->report(rollout_);
    ASSERT_TRUE(report.has_value());
    EXPECT_EQ((*report)["visitors"]["requests"], 7);
    EXPECT_EQ((*report)["steps"][0]["visitors"]["requests"], 7);
}

}  // namespace
}  // namespace appliance::deploy
