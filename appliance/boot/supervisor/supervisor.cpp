// The supervisor's loop: signals, requests of control, and children that are due. Children are in
// supervisor_children.cpp, the end in supervisor_end.cpp.
#include "appliance/boot/supervisor/supervisor.hpp"

#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <thread>
#include <utility>

#include "appliance/boot/confine/privileges.hpp"
#include "appliance/boot/supervisor/control_socket.hpp"
#include "appliance/control/model/workers.hpp"
#include "appliance/link/event.hpp"

namespace appliance::boot {
namespace {

using core::base::Descriptor;
using nlohmann::json;

json describe(const core::Error& error) {
    return {{"what", error.what}, {"why", error.why}, {"mend", error.mend}};
}

// The rings of a killed proxy release its sockets a little later.
constexpr std::chrono::milliseconds take_over_max{2'000};
constexpr std::chrono::milliseconds take_over_look{20};

}  // namespace

Supervisor::Supervisor(const config::Config& config, Account account, core::base::Log& log, Origin origin)
    : config_(config),
      account_(std::move(account)),
      log_(log),
      signals_(log),
      bounds_(config),
      origin_(std::move(origin)),
      predecessors_(log) {
    for (const Role role : {Role::control, Role::proxy, Role::fence}) {
        child(role).role = role;
    }
}

core::Result<void> Supervisor::listen(const core::Address& address, std::size_t count, Clock::time_point deadline) {
    for (;;) {
        auto opened = listeners_.open(address, count);
        if (opened) {
            return {};
        }
        if (opened.error().os_error != EADDRINUSE || Clock::now() >= deadline) {
            return tl::unexpected(std::move(opened.error()));
        }
        std::this_thread::sleep_for(take_over_look);
    }
}

core::Result<void> Supervisor::open() {
    if (auto watching = signals_.watch(); !watching) {
        return watching;
    }
    const std::size_t workers = control::worker_count(config_);
    const auto deadline = Clock::now() + take_over_max;
    for (const config::Listener& listener : config_.listeners) {
        if (config_.in_kernel(listener)) {
            continue;
        }
        if (auto opened = listen(listener.address, workers, deadline); !opened) {
            return opened;
        }
    }
    if (const auto& remote = config_.control.remote) {
        if (auto opened = listen(remote->listen, 1, deadline); !opened) {
            return opened;
        }
    }
    // A running daemon goes on with a broken folder. One that starts would not know its fences, so it does not start.
    auto usable = prepare_state_folder(config_.control.state, account_).and_then([this] {
        return check_state_folder(config_.control.state, account_);
    });
    if (!usable) {
        return usable;
    }
    auto socket = open_control_socket(config_.control.socket, operators_group(account_));
    if (!socket) {
        return tl::unexpected(std::move(socket.error()));
    }
    control_socket_ = std::move(*socket);
    return {};
}

void Supervisor::prepare_state() {
    if (auto ready = prepare_state_folder(config_.control.state, account_); !ready) {
        // Traffic does not need the folder. Control refuses changes, and says why.
        log_.write(link::event_line("state", {{"error", ready.error().line()}}));
    }
}

int Supervisor::run() {
    if (!upgrading_ && upgrade_.number == 0) {
        first_start_.begin(Clock::now());
    }
    // Fence and proxy first: control finds both there and can configure at once.
    for (const Role role : {Role::fence, Role::proxy, Role::control}) {
        if (child(role).pid == 0 && phase_ == Phase::running) {
            start(child(role));
        }
    }
    while (phase_ != Phase::ended) {
        wait();
        take_signals();
        take_requests();
        take_inquiries();
        start_due();
        watch_clock();
    }
    return code_;
}

void Supervisor::watch_clock() {
    const auto now = Clock::now();
    predecessors_.end_late();
    if (rehearsal_ && now >= rehearsal_->end_by()) {
        ::kill(rehearsal_->pid(), SIGKILL);
    }
    if (undo_at_ && phase_ == Phase::running && now >= *undo_at_) {
        undo("its processes did not get as far as to serve in time");
    }
    if (const auto end_by = first_start_.end_by(); end_by && phase_ == Phase::running && now >= *end_by) {
        give_up("cannot start", "it does not serve yet after a minute; the log says what control waits for");
    }
    if (deadline_ && phase_ == Phase::draining && now >= *deadline_) {
        finish(0);
    }
}

std::optional<Supervisor::Clock::time_point> Supervisor::next_due() const noexcept {
    std::optional<Clock::time_point> due = deadline_;
    const auto consider = [&due](const std::optional<Clock::time_point>& time) {
        due = time && (!due || *time < *due) ? time : due;
    };
    for (const Child& one : children_) {
        consider(one.start_at);
    }
    consider(undo_at_);
    consider(first_start_.end_by());
    consider(predecessors_.next_due());
    consider(rehearsal_ ? std::optional(rehearsal_->end_by()) : std::nullopt);
    return due;
}

void Supervisor::wait() {
    std::array<pollfd, 3> entries{pollfd{signals_.fd(), POLLIN, 0}, pollfd{control_link_.fd(), POLLIN, 0},
                                  pollfd{inquiry_.fd(), POLLIN, 0}};
    int timeout = -1;
    if (const auto due = next_due()) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(*due - Clock::now()).count();
        timeout = static_cast<int>(std::clamp<long long>(left, 0, 3'600'000));
    }
    ::poll(entries.data(), entries.size(), timeout);
}

void Supervisor::take_signals() {
    while (phase_ != Phase::ended) {
        const auto order = signals_.take();
        if (!order) {
            return;
        }
        switch (*order) {
            case Order::reap:
                reap();
                break;
            case Order::reload:
                if (phase_ == Phase::running) {
                    tell_control({{"type", "reload"}});
                }
                break;
            case Order::stop:
                phase_ == Phase::draining ? finish(1) : begin_stop();
                break;
        }
    }
}

// One request at a time is under way, so a busy control process never delays the loop for long.
void Supervisor::take_requests() {
    if (!control_link_.valid() || phase_ == Phase::ended) {
        return;
    }
    auto message = control_link_.receive(core::Milliseconds{0});
    if (!message) {
        // SIGCHLD reports its death.
        control_link_.closed() ? drop_control() : end_control(message.error());
        return;
    }
    if (!*message) {
        return;
    }
    const auto request = link::decode_request((*message)->body);
    request ? answer(*request) : end_control(request.error());
}

void Supervisor::take_inquiries() {
    const auto taken = inquiry_.take();
    if (!taken) {
        end_child(Role::fence, taken.error().line());
    }
}

// It reads foreign input. A control process that breaks the protocol is hijacked or broken: it is ended, and another
// one is started.
void Supervisor::end_control(const core::Error& error) {
    log_.write(link::event_line("link", {{"process", "control"}, {"error", error.line()}}));
    control_link_ = link::Channel();
    if (child(Role::control).pid > 0) {
        ::kill(child(Role::control).pid, SIGKILL);
    }
}

void Supervisor::answer(const link::Request& request) {
    Answer answer;
    answer.id = request.id;
    const auto done = std::visit([this, &answer](const auto& what) { return carry_out(what, answer); }, request.what);
    if (!done) {
        answer.body = {{"type", "failed"}, {"error", describe(done.error())}};
    }
    if (!answer.later) {
        answer.body["id"] = request.id;
        tell_control(answer.body, answer.fds);
    }
}

core::Result<void> Supervisor::carry_out(const link::Ready& /*request*/, Answer& /*answer*/) {
    first_start_.end();
    if (upgrading_) {
        complete_upgrade();
    }
    return {};
}

core::Result<void> Supervisor::carry_out(const link::CheckUpgrade& request, Answer& answer) {
    answer.later = true;
    begin_rehearsal(answer.id, request);
    return {};
}

core::Result<void> Supervisor::carry_out(const link::BeginUpgrade& /*request*/, Answer& /*answer*/) {
    return hand_over();
}

core::Result<void> Supervisor::carry_out(const link::OpenListeners& request, Answer& answer) {
    // Open sockets were allowed once; a configuration that comes back must find its sockets.
    if (!listeners_.has(request.address) && !bounds_.allow(request.address)) {
        return core::fail("cannot listen on " + request.address.text(), "the configuration file does not name it");
    }
    return listeners_.open(request.address, request.count).map([&answer](std::vector<int> fds) {
        answer.fds = std::move(fds);
    });
}

core::Result<void> Supervisor::carry_out(const link::CloseListeners& request, Answer& /*answer*/) {
    listeners_.close(request.address);
    return {};
}

core::Result<void> Supervisor::carry_out(const link::OpenProbeSockets& request, Answer& answer) {
    if (!bounds_.allow_probes(request.v6, request.count)) {
        return core::fail("cannot make sockets for probes", "the configuration file does not name so many servers");
    }
    return make_probe_sockets(request.v6 ? AF_INET6 : AF_INET, request.count).map([&answer](auto made) {
        answer.owned = std::move(made);
        std::transform(answer.owned.begin(), answer.owned.end(), std::back_inserter(answer.fds),
                       [](const auto& one) { return one.get(); });
    });
}

core::Result<void> Supervisor::carry_out(const link::IsChild& request, Answer& answer) {
    answer.body["child"] = is_child(request.pid);
    return {};
}

core::Result<void> Supervisor::carry_out(const link::EndChild& request, Answer& /*answer*/) {
    end_child(request.process == "proxy" ? Role::proxy : Role::fence, request.why);
    return {};
}

void Supervisor::end_child(Role role, const std::string& why) {
    log_.write(link::event_line("link", {{"process", print(role)}, {"error", why}}));
    if (child(role).pid > 0) {
        ::kill(child(role).pid, SIGKILL);
    }
}

}  // namespace appliance::boot
