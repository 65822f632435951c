// Ends the supervisor: drained, or cut short.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "appliance/boot/supervisor/supervisor.hpp"
#include "appliance/link/event.hpp"

namespace appliance::boot {
namespace {

constexpr core::Milliseconds grace = Predecessors::grace;

}  // namespace

Supervisor::~Supervisor() {
    kill_all();
    if (control_socket_.valid()) {
        ::unlink(config_.control.socket.c_str());
    }
}

void Supervisor::begin_stop() {
    phase_ = Phase::draining;
    first_start_.end();
    deadline_ = Clock::now() + config_.proxy.drain + grace;
    log_.write(link::event_line("stopping", {{"drain", core::base::print_duration(config_.proxy.drain)}}));
    for (Child& one : children_) {
        one.start_at.reset();
    }
    listeners_.close_all();
    undo_at_.reset();
    if (serving_) {
        predecessors_.retire(serving_->pid, std::move(serving_->near), config_.proxy.drain);
        serving_.reset();
    }
    if (child(Role::proxy).pid == 0) {
        finish_when_drained();
    } else if (child(Role::control).pid == 0) {
        drain_directly();
    } else {
        tell_control({{"type", "stop"}, {"deadline_ms", config_.proxy.drain.count()}});
    }
}

// Without a control process: over control's end of the link. No answer is waited for: the proxy's end is the answer.
void Supervisor::drain_directly() {
    Child& proxy = child(Role::proxy);
    if (proxy.pid == 0 || !proxy.near.valid()) {
        return;
    }
    const auto left = std::chrono::duration_cast<core::Milliseconds>(*deadline_ - grace - Clock::now());
    link::Channel channel(std::move(proxy.near));
    const auto sent =
        channel.send({{"type", "drain"}, {"id", 0}, {"deadline_ms", std::max<std::int64_t>(left.count(), 0)}});
    if (!sent) {
        ::kill(proxy.pid, SIGKILL);
    }
    // Closing the last of control's ends now would tell the proxy to end without draining.
    proxy.near = channel.release();
}

void Supervisor::finish_when_drained() {
    if (phase_ == Phase::draining && child(Role::proxy).pid == 0 && predecessors_.size() == 0) {
        finish(0);
    }
}

void Supervisor::finish(int code) {
    code_ = code;
    phase_ = Phase::ended;
    end_others();
    kill_all();
    log_.write(link::event_line("stopped", nlohmann::ordered_json::object()));
}

// Ends control and fence in order, unless the exit code is 1: a closed link ends them.
void Supervisor::end_others() {
    if (code_ == 1) {
        return;
    }
    const auto deadline = Clock::now() + grace;
    control_link_ = link::Channel();
    wait_for_exit(child(Role::control), deadline);
    child(Role::fence).near.reset();
    wait_for_exit(child(Role::fence), deadline);
}

bool Supervisor::wait_for_exit(Child& child, Clock::time_point deadline) {
    while (child.pid > 0 && Clock::now() < deadline) {
        if (::waitpid(child.pid, nullptr, WNOHANG) == child.pid) {
            child.pid = 0;
            break;
        }
        std::this_thread::sleep_for(core::Milliseconds{2});
    }
    return child.pid == 0;
}

void Supervisor::kill_all() noexcept {
    const auto end = [](pid_t pid) {
        if (pid > 0) {
            ::kill(pid, SIGKILL);
            ::waitpid(pid, nullptr, 0);
        }
    };
    for (Child& one : children_) {
        end(std::exchange(one.pid, 0));
    }
    end(serving_ ? serving_->pid : 0);
    serving_.reset();
    end(rehearsal_ ? rehearsal_->pid() : 0);
    rehearsal_.reset();
    predecessors_.kill_all();
}

}  // namespace appliance::boot
