#include "appliance/cli/deploy/runner.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "appliance/base/bounded_json.hpp"
#include "appliance/cli/client/exit_code.hpp"
#include "appliance/cli/deploy/watch_rollout.hpp"
#include "appliance/cli/terminal/table.hpp"
#include "appliance/cli/views/rollout_end.hpp"
#include "appliance/cli/views/standing.hpp"

namespace appliance::cli {
namespace {

constexpr std::chrono::milliseconds poll_interval{200};
constexpr std::chrono::milliseconds sync_patience{1'000};
constexpr std::chrono::seconds absence_max{60};
// For the daemon to pause when it has heard of a refusal.
constexpr std::chrono::seconds pause_patience{5};
constexpr std::chrono::milliseconds run_timeout_max = std::chrono::hours(24);
constexpr int not_executed = 126;  // as a shell says it

// After an interrupt or a hang-up: how long the commands may take to end, and each of the last requests to the daemon.
constexpr std::chrono::milliseconds last_mercy{2'000};
constexpr std::chrono::milliseconds last_patience{1'000};

std::atomic<int> interrupts = 0;
std::atomic<bool> hung_up = false;
std::atomic<bool> suspended = false;
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

void on_signal(int signal) {
    if (signal == SIGHUP) {
        hung_up.store(true);
    } else if (signal == SIGTSTP) {
        suspended.store(true);
    } else {
        interrupts.fetch_add(1);
    }
}

// What nohup or a shell's & has switched off stays off.
void listen_for(int signal) {
    struct sigaction action {};
    if (::sigaction(signal, nullptr, &action) == 0 && action.sa_handler != SIG_IGN) {
        action = {};
        action.sa_handler = on_signal;
        ::sigaction(signal, &action, nullptr);
    }
}

std::string make_name() {
    std::array<char, 256> host{};
    ::gethostname(host.data(), host.size() - 1);
    std::random_device random;
    return fmt::format("{}:{}:{:08x}", host.data(), ::getpid(), random());
}

}  // namespace

Runner::Runner(const api::Client& client, std::int64_t rollout, std::string claimed_by, Permit permit, bool quiet)
    : client_(client),
      rollout_(rollout),
      claimed_by_(std::move(claimed_by)),
      quiet_(quiet),
      name_(make_name()),
      permit_(std::move(permit)) {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGTSTP}) {
        listen_for(signal);
    }
    ::signal(SIGTTOU, SIG_IGN);  // in the background it prints on
}

bool Runner::settled() const {
    const std::string state = text(shown_, "state");
    const bool told = children_.running().empty() && ended_.empty() && outputs_.empty() && refused_.empty();
    // A daemon that has heard of a refusal pauses; one that goes on is not waited for.
    const bool over = (!state.empty() && state != "running") || (leave_at_ && Children::Clock::now() >= *leave_at_);
    return told && over;
}

int Runner::run() {
    while (!settled()) {
        if (interrupts.load() > 1 || hung_up.load()) {
            return leave();
        }
        if (!step()) {
            std::fputs("gatehouse: the daemon has been away for a minute; gatehouse deploy resume goes on later\n",
                       stderr);
            return unreachable;
        }
    }
    const int code = exit_code_of(shown_);
    return refusing_ || (undone_ && code == done) ? failed : code;
}

// Tells the daemon how the commands have ended. Else it would wait for them until it takes this runner for lost.
int Runner::leave() {
    if (!pausing_) {
        ask_to_pause(last_patience);
    }
    const bool none = children_.running().empty();
    children_.end_all(hung_up.load() ? "ended with its terminal" : "ended by a second Ctrl-C", last_mercy, outputs_,
                      ended_);
    const auto answer = sync(last_patience);
    const Json body =
        answer && answer->status == 200 ? base::parse_json<Json>(answer->body, base::wide_bounds) : Json();
    const Json& rollout = field(body, "rollout");
    std::string said = none ? "gatehouse: left" : "gatehouse: left; the commands that ran here were ended";
    if (rollout.is_object()) {
        shown_ = rollout;
        said += fmt::format("; rollout {} is {}", rollout_, text(rollout, "state"));
    } else {
        said += "; what stands is not known: the daemon does not answer. See gatehouse deploy status";
    }
    std::fputs((said + "\n").c_str(), stderr);
    return interrupted;
}

core::Result<api::Answer> Runner::sync(std::chrono::milliseconds patience) {
    return client_.post("/v1/deploy/sync", request(), patience);
}

// False where there is no daemon any more.
bool Runner::step() {
    if (interrupts.load() > 0 && !pausing_) {
        ask_to_pause(api::Client::answer_timeout);
    }
    if (suspended.exchange(false) && !quiet_) {
        std::fputs("gatehouse: Ctrl-Z does not stop a deploy, its commands would run on unseen; Ctrl-C pauses it\n",
                   stderr);
    }
    const bool idle = children_.running().empty();
    if (!idle) {
        children_.collect(poll_interval, outputs_, ended_);
    }
    const auto answer = sync(api::Client::answer_timeout + sync_patience);
    const Json body = answer ? base::parse_json<Json>(answer->body, base::wide_bounds) : Json();
    if (!answer || answer->status != 200 || !body.is_object()) {
        if (!quiet_ && !std::exchange(missed_, true)) {
            std::fputs("gatehouse: the daemon does not answer; commands go on, trying again\n", stderr);
        }
        std::this_thread::sleep_for(poll_interval);
        return Children::Clock::now() - heard_ < absence_max || !children_.running().empty();
    }
    heard_ = Children::Clock::now();
    missed_ = false;
    outputs_.clear();
    ended_.clear();
    if (!std::exchange(refused_, {}).empty()) {
        leave_at_ = Children::Clock::now() + pause_patience;
    }
    take(body);
    tell();
    return true;
}

// The journal says what a step has seen at its end; this, on standard error, what it waits for until then.
void Runner::tell() {
    if (!waits_for_servers(shown_)) {
        tell_at_.reset();
        return;
    }
    const auto now = Children::Clock::now();
    if (!tell_at_) {
        tell_at_ = now + first_look;
    }
    if (now < *tell_at_) {
        return;
    }
    tell_at_ = now + next_look;
    const auto answer = client_.get("/v1/status", look_patience);
    const Json status =
        answer && answer->status == 200 ? base::parse_json<Json>(answer->body, base::wide_bounds) : Json();
    teller_.tell(tell_waiting(shown_, status));
}

std::string Runner::request() {
    Json body{{"rollout", rollout_}, {"runner", name_}, {"running", children_.running()}, {"after", seen_}};
    body["wait_ms"] = children_.running().empty() && ended_.empty() ? sync_patience.count() : 0;
    for (const Children::Output& output : outputs_) {
        body["outputs"].push_back({{"step", output.step}, {"text", output.text}});
    }
    for (const Children::Ended& ended : ended_) {
        body["results"].push_back({{"step", ended.step}, {"exit_code", ended.exit_code}, {"trouble", ended.trouble}});
    }
    for (const unsigned step : refused_) {
        body["results"].push_back({{"step", step},
                                   {"exit_code", not_executed},
                                   {"trouble", "it is not one that its operator has agreed to"},
                                   {"refused", true}});
    }
    return body.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void Runner::take(const Json& answer) {
    if (field(answer, "rollout").is_object()) {
        shown_ = field(answer, "rollout");
    }
    for (const Json& entry : items(answer, "journal")) {
        seen_ = std::max(seen_, number(entry, "number"));
        print(entry);
    }
    for (const Json& step : items(answer, "cancel")) {
        if (step.is_number_unsigned()) {
            children_.cancel(step.get<unsigned>(), "the rollout was aborted");
        }
    }
    for (const Json& command : items(answer, "take")) {
        start(command);
    }
    if (const auto next = number(answer, "next"); next != 0) {
        follow(next);
    }
}

// A rollback has followed: by itself, or by the order of another operator. What this operator has not agreed to is left
// to the other one.
void Runner::follow(std::int64_t next) {
    undone_ = true;
    if (refusing_) {
        return;
    }
    const auto answer = client_.get(fmt::format("/v1/deploy?id={}", next));
    if (!answer) {
        shown_ = Json();  // the next answer names it again
        return;
    }
    const Json rollout = answer->status == 200 ? base::parse_json<Json>(answer->body, base::wide_bounds) : Json();
    const auto listed = commands_in(rollout);
    std::vector<config::ServerCommand> commands = listed.value_or(std::vector<config::ServerCommand>());
    for (config::ServerCommand& command : commands) {
        command.purpose = config::Purpose::rollback;
    }
    if (!listed || !permit_.allows_all(commands)) {
        complain(
            fmt::format("gatehouse: rollout {} undoes this one with commands that you have not agreed to; nothing "
                        "of it runs here. gatehouse deploy resume shows them",
                        next));
        refusing_ = true;
        return;
    }
    rollout_ = next;
    purpose_ = config::Purpose::rollback;
    seen_ = 0;
    shown_ = Json();
}

void Runner::start(const Json& due) {
    const auto step = static_cast<unsigned>(number(due, "step"));
    const auto port = std::clamp<std::int64_t>(number(due, "port"), 0, 65'535);
    const config::ServerCommand command{
        purpose_, text(due, "server"), text(due, "host"), static_cast<std::uint16_t>(port), text(due, "command"), {}};
    if (const auto allowed = permit_.check(command); !allowed) {
        refuse(step, allowed.error());
        return;
    }
    if (refusing_) {
        refused_.push_back(step);
        return;
    }
    const std::chrono::milliseconds limit(
        std::clamp<std::int64_t>(number(due, "timeout_ms"), 0, run_timeout_max.count()));
    // One that runs here already is given out again when the daemon has taken us for lost: its end is told as before.
    children_.start(step, command.text, limit,
                    {"GATEHOUSE_SERVER=" + command.server, "GATEHOUSE_HOST=" + command.host,
                     "GATEHOUSE_PORT=" + std::to_string(port)});
}

void Runner::refuse(unsigned step, const core::Error& why) {
    refused_.push_back(step);
    if (!std::exchange(refusing_, true)) {
        complain("gatehouse: " + why.line());
    }
}

void Runner::print(const Json& entry) {
    if (!quiet_) {
        std::fputs(show_entry(entry).c_str(), stdout);
        std::fflush(stdout);
    }
}

void Runner::ask_to_pause(std::chrono::milliseconds patience) {
    pausing_ = true;
    if (!quiet_ && !hung_up.load()) {
        std::fputs("gatehouse: pausing; what is under way ends first. Ctrl-C again leaves at once\n", stderr);
    }
    Json body{{"why", hung_up.load() ? "the terminal was closed" : "Ctrl-C"}};
    if (!claimed_by_.empty()) {
        body["claimed_by"] = claimed_by_;
    }
    static_cast<void>(client_.post("/v1/deploy/pause", body.dump(), patience));
}

}  // namespace appliance::cli
