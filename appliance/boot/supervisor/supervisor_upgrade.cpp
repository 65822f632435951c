// Upgrades: first the old program's part, then the new one's (docs/internals/upgrades.md).
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>

#include <set>
#include <utility>

#include "appliance/boot/supervisor/supervisor.hpp"
#include "appliance/control/model/workers.hpp"
#include "appliance/link/event.hpp"

namespace appliance::boot {
namespace {

using core::base::Descriptor;
using nlohmann::json;

// The new processes must serve within this time; checks come first, see ProxySync::warm_up().
constexpr std::chrono::seconds serve_max{30};
// A working program's processes do not die in its first seconds.
constexpr unsigned deaths_max = 3;
constexpr core::Milliseconds leave_max{2'000};
constexpr core::Milliseconds flush_max{1'000};

json refusal(const core::Error& error) {
    return {{"type", "failed"}, {"error", {{"what", error.what}, {"why", error.why}, {"mend", error.mend}}}};
}

core::Error not_now(std::string why, std::string mend) {
    return {"cannot upgrade now", std::move(why), std::move(mend), 0};
}

}  // namespace

void Supervisor::begin_rehearsal(std::uint64_t id, const link::CheckUpgrade& request) {
    const auto refuse = [&](const core::Error& error) {
        json reply = refusal(error);
        reply["id"] = id;
        tell_control(reply);
    };
    if (phase_ != Phase::running || upgrading_ || rehearsal_) {
        return refuse(not_now(phase_ != Phase::running ? "gatehouse is stopping" : "an upgrade is under way",
                              "wait for its end; gatehouse status shows it"));
    }
    if (predecessors_.size() >= Predecessors::count_max) {
        return refuse(not_now(fmt::format("{} proxies of earlier upgrades still drain", predecessors_.size()),
                              "wait until one has ended, at most for drain in [proxy]"));
    }
    auto begun = Rehearsal::begin(origin_.program, config_.file.string());
    if (!begun) {
        return refuse(begun.error());
    }
    rehearsal_ = std::move(*begun);
    note_child(rehearsal_->pid());
    rehearsal_id_ = id;
    pending_ = Upgrade{.number = upgrade_.number + 1,
                       .from = GATEHOUSE_VERSION,
                       .to = {},
                       .proxy = child(Role::proxy).pid,
                       .who = request.who,
                       .why = request.why,
                       .error = {}};
}

void Supervisor::end_rehearsal(int status) {
    const auto version = rehearsal_->judge(status);
    rehearsal_.reset();
    json reply{{"type", "done"}};
    if (version) {
        pending_->to = *version;
        reply.update({{"number", pending_->number}, {"from", pending_->from}, {"to", pending_->to}});
        reply["proxy"] = pending_->proxy;
    } else {
        reply = refusal(version.error());
        log_.write(link::event_line(
            "upgrade", {{"error", version.error().line()}, {"who", pending_->who}, {"why", pending_->why}}));
        pending_.reset();
    }
    reply["id"] = rehearsal_id_;
    tell_control(reply);
}

// All our descriptors are close-on-exec. So the exec closes the links to control and fence, which ends them. The next
// program finds no children that it did not start.
core::Result<void> Supervisor::hand_over() {
    if (!pending_ || rehearsal_) {
        return core::fail("cannot upgrade", "no upgrade has been checked");
    }
    upgrade_ = *std::exchange(pending_, std::nullopt);
    Child& proxy = child(Role::proxy);
    upgrade_.proxy = proxy.pid;
    const Descriptor image(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
    Handover handover = estate();
    handover.image = image.get();
    if (proxy.pid > 0) {
        handover.proxies.push_back({proxy.pid, proxy.near.get(), std::nullopt});
    }
    for (const Role role : {Role::control, Role::fence}) {
        if (child(role).pid > 0) {
            handover.leaving.push_back(child(role).pid);
        }
    }
    note_upgrade("begun");
    log_.flush(flush_max);
    const core::Error error = image.valid()
                                  ? become(handover, config_.file.string(), -1)
                                  : core::fail_os("cannot keep a way back to the running program", errno).value();
    upgrade_.error = error.line();
    note_upgrade("failed");
    return tl::unexpected(error);
}

Handover Supervisor::estate() const {
    Handover handover;
    handover.program = origin_.program;
    handover.control_path = config_.control.socket.string();
    handover.control_socket = control_socket_.get();
    handover.claim = origin_.claim.get();
    handover.listeners = listeners_.list();
    handover.proxies = predecessors_.list();
    handover.upgrade = upgrade_;
    return handover;
}

core::Result<void> Supervisor::resume(const Handover& from) {
    if (auto watching = signals_.watch(); !watching) {
        return watching;
    }
    for (const Handover::Listening& listening : from.listeners) {
        listeners_.adopt(listening);
    }
    control_socket_.reset(from.control_socket);
    image_.reset(from.image);
    upgrade_ = from.upgrade;
    upgrading_ = image_.valid();
    for (const Handover::Proxy& proxy : from.proxies) {
        note_child(proxy.pid);
        if (proxy.end_by) {
            predecessors_.adopt(proxy);
            continue;
        }
        // On the way back it is our proxy again, as after the death of control.
        Child& served = upgrading_ ? serving_.emplace() : child(Role::proxy);
        served.role = Role::proxy;
        served.pid = proxy.pid;
        served.near.reset(proxy.link);
        served.backoff.started(Clock::now());
    }
    end_leaving(from.leaving);
    prepare_state();
    if (upgrading_) {
        undo_at_ = Clock::now() + serve_max;
        upgrade_state_ = "begun";
    } else {
        note_upgrade("failed");
    }
    return {};
}

void Supervisor::end_leaving(const std::vector<pid_t>& leaving) {
    const auto deadline = Clock::now() + leave_max;
    for (const pid_t pid : leaving) {
        note_child(pid);
        Child one;
        one.pid = pid;
        if (!wait_for_exit(one, deadline)) {
            ::kill(pid, SIGKILL);
            ::waitpid(pid, nullptr, 0);
        }
    }
}

// Our proxy accepts on the same sockets by now, so no visitor is refused when the previous one stops.
void Supervisor::complete_upgrade() {
    upgrading_ = false;
    undo_at_.reset();
    image_.reset();
    if (serving_) {
        predecessors_.retire(serving_->pid, std::move(serving_->near), config_.proxy.drain);
        serving_.reset();
    }
    std::set<core::Address> addresses;
    for (const config::Listener& listener : config_.listeners) {
        if (!config_.in_kernel(listener)) {
            addresses.insert(listener.address);
        }
    }
    if (config_.control.remote) {
        addresses.insert(config_.control.remote->listen);
    }
    listeners_.keep_only(addresses, control::worker_count(config_));
    upgrade_.to = GATEHOUSE_VERSION;
    note_upgrade("done");
}

// Returns only where the previous program cannot be executed. Then the new processes are started again and again, and
// the previous proxy serves until one of them does.
void Supervisor::undo(const std::string& why) {
    undo_at_.reset();
    upgrade_.error = fmt::format("the new version {} was given up: {}", upgrade_.to, why);
    control_link_ = link::Channel();
    for (Child& one : children_) {
        if (one.pid > 0) {
            ::kill(one.pid, SIGKILL);
            ::waitpid(one.pid, nullptr, 0);
        }
        one.pid = 0;
        one.near.reset();
        one.start_at = Clock::now() + Backoff::delay_max;
    }
    Handover back = estate();
    if (serving_) {
        back.proxies.push_back({serving_->pid, serving_->near.get(), std::nullopt});
    }
    log_.flush(flush_max);
    const core::Error error = become(back, config_.file.string(), image_.get());
    image_.reset();
    upgrade_.error += "; " + error.line();
    note_upgrade("failed");
}

// Goes back after too many deaths of new processes. True: that was tried, and failed.
bool Supervisor::undo_instead(const std::string& why) {
    if (phase_ != Phase::running || !upgrading_ || !image_.valid() || ++deaths_ < deaths_max) {
        return false;
    }
    undo("its processes end, the last was " + why);
    return true;
}

std::size_t Supervisor::old_proxies() const {
    return predecessors_.size() + (serving_ ? 1 : 0);
}

nlohmann::ordered_json Supervisor::describe_upgrade() const {
    return {{"state", upgrade_state_},
            {"number", upgrade_.number},
            {"from", upgrade_.from},
            {"to", upgrade_.to},
            {"proxy_before", upgrade_.proxy},
            {"proxy", child(Role::proxy).pid},
            {"error", upgrade_.error.empty() ? json() : json(upgrade_.error)},
            {"who", upgrade_.who},
            {"why", upgrade_.why}};
}

void Supervisor::note_upgrade(std::string_view state) {
    upgrade_state_ = state;
    log_.write(link::event_line("upgrade", describe_upgrade()));
    tell_upgrade();
}

// Each new control process gets it again, for `status`.
void Supervisor::tell_upgrade() {
    if (upgrade_.number > 0) {
        tell_control({{"type", "upgrade"}, {"upgrade", describe_upgrade()}, {"old_proxies", old_proxies()}});
    }
}

}  // namespace appliance::boot
