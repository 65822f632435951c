// Starts the supervisor's children, and handles their ends.
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "appliance/boot/process/spawn.hpp"
#include "appliance/boot/supervisor/supervisor.hpp"
#include "appliance/link/event.hpp"

namespace appliance::boot {
namespace {

using core::base::Descriptor;
using nlohmann::json;

// The exit code of an invalid configuration (appliance/cli/exit_code.hpp).
constexpr int invalid_configuration = 2;

// More than can end while a connection waits to be accepted. Few, because the kernel reuses process ids.
constexpr std::size_t begun_max = 16;

}  // namespace

void Supervisor::start(Child& child) {
    child.start_at.reset();
    child.backoff.started(Clock::now());
    auto pid = launch(child);
    if (!pid) {
        log_.write(link::event_line("process_start", {{"process", print(child.role)}, {"error", pid.error().line()}}));
        child.start_at = Clock::now() + Backoff::delay_max;
        if (first_start_.under_way()) {
            give_up(fmt::format("cannot start the {} process", print(child.role)), pid.error().line());
        }
        return;
    }
    child.pid = *pid;
    note_child(*pid);
    if (child.role != Role::control) {
        introduce(child);
        return;
    }
    tell_upgrade();  // first: proxies of earlier upgrades may still drain
    introduce(this->child(Role::fence));
    introduce(this->child(Role::proxy));
    tell_control({{"type", "handed_over"}});
}

core::Result<pid_t> Supervisor::launch(Child& child) {
    auto pair = link::make_pair();
    if (!pair) {
        return tl::unexpected(std::move(pair.error()));
    }
    // Numbers, not names: the child looks up nothing while it still holds privileges.
    const std::vector<std::string> arguments{
        "--role",   std::string(print(child.role)), "--user", account_.name,
        "--uid",    std::to_string(account_.uid),   "--gid",  std::to_string(account_.gid),
        "--config", config_.file.string()};
    auto words = link::FirstWords::make();
    if (!words) {
        return tl::unexpected(std::move(words.error()));
    }
    std::vector<int> fds{pair->second.get(), STDERR_FILENO};
    if (child.role == Role::control) {
        fds.push_back(control_socket_.get());
    }
    Descriptor inquirer;
    if (child.role == Role::fence) {
        auto end = inquiry_.open();
        if (!end) {
            return tl::unexpected(std::move(end.error()));
        }
        inquirer = std::move(*end);
        fds.push_back(inquirer.get());
    }
    auto pid = spawn(arguments, fds, {.errors = words->child_end()});
    words->born();
    child.words = std::move(*words);
    if (pid && child.role == Role::control) {
        control_link_ = link::Channel(std::move(pair->first), requests);
    } else if (pid) {
        child.near = std::move(pair->first);
    }
    return pid;
}

// Hands control its end of the link to a running child.
void Supervisor::introduce(Child& child) {
    if (child.pid == 0 || !child.near.valid()) {
        return;
    }
    const std::array<int, 1> fds{child.near.get()};
    // Beside another proxy on the same sockets it can wait for its checks before it serves.
    const bool beside = child.role == Role::proxy && serving_.has_value();
    tell_control({{"type", "child_started"}, {"process", print(child.role)}, {"pid", child.pid}, {"beside", beside}},
                 fds);
}

void Supervisor::tell_control(const json& message, std::span<const int> fds) {
    if (!control_link_.valid()) {
        return;
    }
    if (const auto sent = control_link_.send(message, fds); !sent) {
        // It is dead, or has not read for longer than a channel's patience: a new one will read.
        drop_control();
    }
}

// During the first start it may still report why it cannot start. The limit of FirstStart ends one that hangs.
void Supervisor::drop_control() {
    control_link_ = link::Channel();
    if (child(Role::control).pid > 0 && !first_start_.under_way()) {
        ::kill(child(Role::control).pid, SIGKILL);
    }
}

void Supervisor::note_child(pid_t pid) {
    begun_.push_back(pid);
    if (begun_.size() > begun_max) {
        begun_.pop_front();
    }
}

bool Supervisor::is_child(pid_t pid) const {
    if (pid <= 0) {
        return false;  // what the kernel says of a process that this namespace does not see, as it does ours
    }
    const auto is = [pid](const auto& one) { return one.pid == pid; };
    const auto old = predecessors_.list();
    return std::any_of(children_.begin(), children_.end(), is) || (serving_ && serving_->pid == pid) ||
           std::any_of(old.begin(), old.end(), is) || std::find(begun_.begin(), begun_.end(), pid) != begun_.end();
}

void Supervisor::reap() {
    const std::size_t old_before = old_proxies();
    for (Child& one : children_) {
        int status = 0;
        // By pid, never "any child": an earlier program of this process may have left other children.
        if (one.pid > 0 && ::waitpid(one.pid, &status, WNOHANG) == one.pid) {
            lost(one, status);
        }
    }
    int status = 0;
    if (serving_ && ::waitpid(serving_->pid, &status, WNOHANG) == serving_->pid) {
        log_.write(link::event_line("process_exit",
                                    {{"process", "proxy"}, {"pid", serving_->pid}, {"why", describe_exit(status)}}));
        serving_.reset();
    }
    if (rehearsal_ && ::waitpid(rehearsal_->pid(), &status, WNOHANG) == rehearsal_->pid()) {
        end_rehearsal(status);
    }
    predecessors_.reap();
    if (old_proxies() != old_before) {
        tell_upgrade();
    }
    finish_when_drained();
}

void Supervisor::lost(Child& child, int status) {
    const pid_t pid = std::exchange(child.pid, 0);
    const std::string words = child.words.take();
    const std::string why = describe_exit(status) + (words.empty() ? "" : ": " + link::as_line(words));
    const bool expected = phase_ != Phase::running && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (!expected) {
        log_.write(link::event_line("process_exit", {{"process", print(child.role)}, {"pid", pid}, {"why", why}}));
    }
    if (undo_instead(std::string(print(child.role)) + ": " + why)) {
        return;
    }
    if (give_up_after(child, status, words)) {
        return;
    }
    if (child.role == Role::control) {
        control_link_ = link::Channel();
        if (phase_ == Phase::draining) {
            drain_directly();  // it may have died before it told the proxy
        }
    } else {
        child.near.reset();
        tell_control({{"type", "child_exited"}, {"process", print(child.role)}, {"why", why}});
    }
    if (phase_ == Phase::running) {
        child.start_at = Clock::now() + child.backoff.died(Clock::now());
    }
}

bool Supervisor::give_up_after(const Child& child, int status, const std::string& words) {
    if (!first_start_.under_way() || phase_ != Phase::running) {
        return false;
    }
    if (child.role == Role::control && WIFEXITED(status) && WEXITSTATUS(status) == invalid_configuration) {
        fmt::print(stderr, "{}", words);  // every problem, each on a line
        finish(invalid_configuration);
        return true;
    }
    if (!first_start_.died(child.role)) {
        return false;
    }
    give_up(fmt::format("cannot start: the {} process has ended {} times", print(child.role), FirstStart::deaths_max),
            words.empty() ? describe_exit(status) + mend_for_exit(status) : link::as_line(words));
    return true;
}

// In the log's event, and as the one line of standard error.
void Supervisor::give_up(const std::string& what, const std::string& why) {
    log_.write(link::event_line("start", {{"error", what + ": " + why}}));
    finish(1);
    fmt::print(stderr, "gatehouse: {}: {}\n", what, why);
}

void Supervisor::start_due() {
    for (Child& one : children_) {
        if (phase_ == Phase::running && one.start_at && *one.start_at <= Clock::now()) {
            start(one);
        }
    }
}

}  // namespace appliance::boot
