// Rollout: one deploy as a list of steps with their results. Pure: plans, and tells the next steps. The conductor
// carries steps out, the ledger keeps them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "appliance/config/model/recipe.hpp"
#include "core/base/duration.hpp"

namespace appliance::deploy {

enum class Strategy { rolling, maintenance, rollback };

// wait     The time to begin has come.
// guard    Every guard agrees.
// floor    Enough eligible servers are left without the batch.
// page     Visitors see the maintenance page.
// fence    The rule is in the kernel, nothing is in flight.
// run      The operator's command has succeeded.
// warm     The server answers the warming requests.
// verify   Its answer is what is expected.
// open     The fence is lifted, the first check passed. The page is off, unless a preview shows the site later.
// preview  Only testers see the site; the rollout is paused.
// show     An operator has resumed, the page is off.
// front    Verified once more as a visitor sees it.
// soak     The server has stayed up.
enum class Kind { wait, guard, floor, page, fence, run, warm, verify, open, preview, show, front, soak };

// skipped: not needed any more, because its server failed before, or an operator said so.
enum class Progress { pending, running, done, failed, skipped };

struct Step {
    unsigned id = 0;  // its place in the plan
    Kind kind = Kind::guard;
    unsigned batch = 0;                // counted from 0
    std::vector<std::string> servers;  // of a lane's step: one
    Progress progress = Progress::pending;
    bool excused = false;  // failed, and the rollout goes on without its server
    bool again = false;    // this process carries it out once more
    std::string evidence;  // what was seen: why it is done, or why it failed
    std::optional<core::WallTime> began;
    std::optional<core::WallTime> ended;
};

// paused: waits for an operator. failed: ended with servers that are not verified. The last four are final.
enum class State { running, paused, done, failed, aborted, undone };

struct Rollout {
    std::int64_t id = 0;
    Strategy strategy = Strategy::rolling;
    config::Recipe recipe;
    std::vector<Step> steps;
    State state = State::running;
    std::string state_why;
    std::string who;
    std::string why;
    std::string overridden;                 // the reason why guards were not asked; empty: they are
    std::optional<core::WallTime> starts;   // not before
    std::optional<core::WallTime> expires;  // not after: then it ends without having begun
    core::WallTime created{};
    std::optional<core::WallTime> ended;
    std::int64_t undoes = 0;  // the rollout that this one rolls back

    // Whether it is too late to begin with the first batch.
    [[nodiscard]] bool expired(core::WallTime now) const { return expires && now > *expires; }
    [[nodiscard]] bool active() const { return state == State::running || state == State::paused; }
};

std::string_view print(Strategy strategy) noexcept;
std::string_view print(Kind kind) noexcept;
std::string_view print(Progress progress) noexcept;
std::string_view print(State state) noexcept;
std::optional<Strategy> parse_strategy(std::string_view text) noexcept;
std::optional<Kind> parse_kind(std::string_view text) noexcept;
std::optional<Progress> parse_progress(std::string_view text) noexcept;
std::optional<State> parse_state(std::string_view text) noexcept;

// What a plan has beside its servers' own steps.
struct Extras {
    bool waits = false;    // it begins at a time of its own
    bool guarded = false;  // guards are asked
    bool paged = false;    // a rollback undoes what has put the page on
    bool rolling = false;  // a rollback goes batch by batch
};

// The steps of a deploy of these servers: rolling in batches of the recipe's size; the others all at once.
std::vector<Step> plan_steps(Strategy strategy, const config::Recipe& recipe, const std::vector<std::string>& servers,
                             Extras extras);

// The ids of the pending steps that wait for no other step. Batches run one after the other. Within a batch, steps for
// all of it run first, one by one. Then the lanes of its servers run side by side, then the rest.
std::vector<unsigned> ready_steps(const Rollout& rollout);

// "warm web1": the step as a journal names it.
std::string describe_step(const Step& step);
// "process 4711 on laptop", of a runner that names itself "laptop:4711:c6d79813"; another name as it is.
std::string describe_runner(const std::string& name);

// The servers with a failed step, each once.
std::vector<std::string> failed_servers(const Rollout& rollout);
// The rollout goes on without the server of this failed step of a lane: its remaining steps are skipped.
void excuse(Rollout& rollout, unsigned step);
// A step of one server, which may fail without the others.
bool in_lane(Kind kind) noexcept;
// The servers on which the command has begun: what a rollback has to undo.
std::vector<std::string> touched_servers(const Rollout& rollout);
// The servers that are fenced by it now: fenced or being fenced, and not opened.
std::vector<std::string> held_servers(const Rollout& rollout);

}  // namespace appliance::deploy
