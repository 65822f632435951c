// Runner: follows one rollout to its end, runs its commands meanwhile and prints its journal. Its thread is the
// command's only one.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "appliance/api/client.hpp"
#include "appliance/cli/client/waiting.hpp"
#include "appliance/cli/deploy/children.hpp"
#include "appliance/cli/deploy/permit.hpp"
#include "appliance/cli/terminal/style.hpp"
#include "appliance/cli/terminal/view.hpp"

namespace appliance::cli {

class Runner {
public:
    // permit: what may run here. quiet: the journal is not printed (--json). client outlives it.
    Runner(const api::Client& client, std::int64_t rollout, std::string claimed_by, Permit permit, bool quiet);

    // Returns the exit code when the rollout has ended or waits for an operator: that of exit_code_of(), 1 where a
    // rollback has followed, 3 where the daemon has been away for a minute. A command that the permit does not allow is
    // not run; the daemon hears that, and it returns 1 when the commands that run have ended. The first Ctrl-C pauses
    // the rollout. The second, or a terminal that closes, ends the commands that run here and tells the daemon so: code
    // 130.
    int run();
    // The last that was heard of it.
    [[nodiscard]] const Json& rollout() const { return shown_; }

private:
    bool step();
    void take(const Json& answer);
    void start(const Json& due);
    void refuse(unsigned step, const core::Error& why);
    void follow(std::int64_t next);
    void print(const Json& entry);
    void tell();
    void ask_to_pause(std::chrono::milliseconds patience);
    int leave();
    [[nodiscard]] core::Result<api::Answer> sync(std::chrono::milliseconds patience);
    std::string request();
    [[nodiscard]] bool settled() const;

    const api::Client& client_;
    std::int64_t rollout_;
    std::string claimed_by_;
    bool quiet_;
    std::string name_;
    Permit permit_;
    config::Purpose purpose_ = config::Purpose::run;
    Children children_;
    std::vector<unsigned> refused_;                        // steps, until the daemon has heard of them
    bool refusing_ = false;                                // nothing more is begun here
    std::optional<Children::Clock::time_point> leave_at_;  // after a refusal
    std::vector<Children::Output> outputs_;
    std::vector<Children::Ended> ended_;  // until the daemon has heard of them
    std::int64_t seen_ = 0;
    Json shown_;
    bool undone_ = false;  // a rollback has followed
    bool pausing_ = false;
    Children::Clock::time_point heard_ = Children::Clock::now();
    bool missed_ = false;
    Teller teller_;
    std::optional<Children::Clock::time_point> tell_at_;  // none: no step waits for servers
};

}  // namespace appliance::cli
