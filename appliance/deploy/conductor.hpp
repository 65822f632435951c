// Conductor: carries out a rollout from its plan to its end, one rollout at a time. Control's API threads give it
// orders and ask it. The operator's command line fetches commands from it (sync), and reports how they ended. A step's
// result is in the ledger before anything follows from it, so a restart resumes there.
#pragma once

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <tl/expected.hpp>
#include <vector>

#include "appliance/deploy/actions.hpp"
#include "appliance/deploy/ledger.hpp"
#include "appliance/deploy/rollout.hpp"
#include "core/base/clock.hpp"

namespace appliance::deploy {

// Why an order was refused, with its HTTP status.
struct Refused {
    int status = 500;
    core::Error error;
};

template <typename T>
using Outcome = tl::expected<T, Refused>;

// status: of HTTP, 400 to 599.
inline tl::unexpected<Refused> refuse(int status, std::string what, std::string why = {}, std::string mend = {}) {
    return tl::unexpected(Refused{status, {std::move(what), std::move(why), std::move(mend), 0}});
}

struct Order {
    Strategy strategy = Strategy::rolling;
    config::Recipe recipe;
    Words words;
    std::string overridden;                       // the reason to skip the guards; empty: they are asked
    std::optional<core::WallTime> starts{};       // not before
    std::optional<core::Milliseconds> expires{};  // after starts, or after now: it begins by then or not at all
    bool dry_run = false;
    std::string accepted{};  // the digest of the accepted commands; empty: any commands
};

// A command line's report and question. It runs the commands of one rollout.
struct Sync {
    struct Output {
        unsigned step = 0;
        std::string text;
    };
    struct Result {
        unsigned step = 0;
        int exit_code = 0;     // 128 + signal, where one ended it
        std::string trouble;   // it could not be run at all; else empty
        bool refused = false;  // the command line does not run it, as trouble says
    };
    std::int64_t rollout = 0;
    std::string runner;             // its name, unique for each command line
    std::vector<unsigned> running;  // the steps of the commands that it has
    std::vector<Output> outputs;
    std::vector<Result> results;
    std::int64_t after = 0;  // the last entry of the journal that it knows
    core::Milliseconds patience{};
};

class Conductor {
public:
    using Json = nlohmann::ordered_json;

    // A command line that has not called for so long is lost.
    static constexpr std::chrono::seconds silence_max{15};
    // The same for a command that was running when this process started.
    static constexpr std::chrono::seconds return_max{30};

    // actions outlives it. Reads the ledger, and resumes the active rollout as soon as actions is ready. Without a
    // readable ledger every order is refused, with the reason.
    Conductor(Actions& actions, std::filesystem::path state);
    Conductor(const Conductor&) = delete;
    Conductor& operator=(const Conductor&) = delete;
    // Leaves the rollout as it is for a later conductor. Waits for the steps under way.
    ~Conductor();

    // The plan alone, or the rollout that has begun. 400: a bad recipe. 404: no such pool or server. 409: another
    // rollout is under way, a guard does not agree, the plan does not fit the schema change or the pool. Also where its
    // commands are not the accepted ones.
    Outcome<Json> start(const Order& order);
    // Rolls back the last rollout, or the one under way, which ends with this. command: another one than its recipe's;
    // empty: that one. accepted: as Order's. 409 also where its commands are others.
    Outcome<Json> roll_back(const Words& words, const std::string& command, bool rolling,
                            const std::string& accepted = {});
    // The same rollback as a plan; nothing is done.
    Outcome<Json> view_rollback(const Words& words, const std::string& command, bool rolling);
    // No step is begun any more; those under way end.
    Outcome<Json> pause(const Words& words);
    // Tries failed steps again; with skip, marks them as done. accepted: as Order's. 409 also where the commands are
    // others.
    Outcome<Json> resume(const Words& words, bool skip, const std::string& accepted = {});
    // Ends it. Opens the servers on which the command has not begun. The others stay fenced until they are verified.
    Outcome<Json> abort(const Words& words);

    // One rollout with its steps; without an id the one under way, or the last. 404 where there is none.
    Outcome<Json> view(std::int64_t id);
    Outcome<Json> history(unsigned count);
    // As view(), and with request statistics of each step.
    Outcome<Json> report(std::int64_t id);
    // The entries of a rollout's journal after one, when there are some, or after patience; at most 1000.
    Outcome<Json> journal(std::int64_t id, std::int64_t after, core::Milliseconds patience);
    // See Sync. The answer: {"rollout": ..., "take": [...], "cancel": [...], "journal": [...], "next": id}.
    Outcome<Json> sync(const Sync& sync);

private:
    // A command that is to be run, or is.
    struct Job {
        bool ready = false;  // its fence stands: it may be given out
        bool taken = false;
        bool withdrawn = false;  // before it was given out: it waits in the plan again
        std::string runner{};    // the command line that took it
        core::BootTime heard{};
        std::size_t output = 0;  // bytes kept
        std::optional<core::Result<std::string>> result{};
        std::optional<core::WallTime> began_before{};  // an earlier try
    };
    // A command of a lost command line: it is not known whether it still runs.
    struct Lost {
        std::string runner;
        std::size_t output = 0;
    };
    // Held by an order that releases the lock meanwhile: no other order, step or end begins.
    class Turn {
    public:
        explicit Turn(Conductor& conductor) : conductor_(conductor) { conductor_.turning_ = true; }
        ~Turn() {
            conductor_.turning_ = false;
            conductor_.changed_.notify_all();
        }
        Turn(const Turn&) = delete;
        Turn& operator=(const Turn&) = delete;

    private:
        Conductor& conductor_;
    };
    using Lock = std::unique_lock<std::mutex>;
    using Say = std::function<void(const std::string&)>;

    void conduct();
    core::Result<void> recover();
    void advance(Lock& lock);
    bool begin(unsigned step);
    void carry_out(unsigned step, Rollout rollout);
    core::Result<std::string> carry_out_fenced(const Step& step, const Rollout& rollout, const Say& say);
    core::Result<std::string> drain(const Step& step, const Rollout& rollout, const Say& say);
    [[nodiscard]] std::string address_of(const Rollout& rollout, const std::string& server) const;
    [[nodiscard]] bool is_drained(const Rollout& rollout, const std::string& server) const;
    core::Result<void> stands_or_fence(const Step& step, const Rollout& rollout, const Say& say);
    void refence(const Step& step, const Rollout& rollout, core::Error& failure);
    void only_pause();
    core::Result<std::string> await_job(unsigned step);
    void end(unsigned step, core::Result<std::string> result);
    void after_failure(Lock& lock);
    void finish(Lock& lock, State state, std::string why);
    bool put_right(Lock& lock);
    bool begin_rollback(Lock& lock, const Words& words, const std::string& command, bool rolling);
    void leave();
    // Whether no command line has called for silence_max.
    [[nodiscard]] bool alone() const;
    void look_for_lost();
    void withdraw(Job& job, const std::string& why);
    void lose(unsigned step, Job& job);
    void take_up_again(const Sync& sync);
    void return_to(const std::string& runner, Step& step, bool ended);
    bool flush();
    void note(std::string kind, std::optional<unsigned> step, std::string text);
    void set_state(State state, std::string why);
    core::Result<void> open_ledger();

    Outcome<Rollout> find(std::int64_t id);
    Json view_of(const Rollout& rollout);
    Outcome<Rollout> find_undone(const std::string& command);
    Outcome<void> need_accepted(const Rollout& rollout, const std::string& accepted);
    Outcome<void> need_active();
    Outcome<void> need_known();
    Outcome<void> need_quiet();
    Json take_jobs(const Sync& sync);
    [[nodiscard]] Json strange_to(const Sync& sync) const;
    void hear(const Sync& sync);
    bool await_saved(Lock& lock, const Sync& sync);
    Json entries_after(std::int64_t id, std::int64_t after);

    Actions& actions_;
    std::filesystem::path state_;

    std::mutex mutex_;  // guards all that follows
    std::condition_variable changed_;
    std::optional<Ledger> ledger_;
    core::Error ledger_error_;
    bool recovered_ = false;  // an earlier process's rollout has been read
    std::optional<Rollout> active_;
    std::set<unsigned> under_way_;  // steps
    std::map<unsigned, Job> jobs_;
    std::map<unsigned, Lost> lost_;               // by step
    std::map<std::string, std::string> drained_;  // by server: the address at which it was
    bool aborting_ = false;
    bool turning_ = false;     // see Turn
    bool only_pause_ = false;  // the failure needs an operator, also against the recipe's policy
    std::string runner_;       // the last that was heard of
    std::optional<core::WallTime> runner_heard_;
    core::BootTime attended_{};   // an operator or a runner was last there
    std::set<unsigned> unsaved_;  // steps
    std::vector<Entry> unsaved_entries_;
    std::atomic<bool> ending_ = false;
    std::atomic<bool> stop_ = false;  // the steps under way shall end
    std::thread thread_;
};

}  // namespace appliance::deploy
