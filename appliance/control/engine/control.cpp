// Control's skeleton: state, events, and how proxy and kernel are brought into line. The commands are in
// control_fence.cpp, control_reload.cpp, control_configuration.cpp, control_maintenance.cpp, control_weight.cpp and
// control_upgrade.cpp.
#include "appliance/control/engine/control.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "appliance/control/link/messages.hpp"
#include "appliance/control/observe/views.hpp"
#include "appliance/control/observe/visitors.hpp"
#include "appliance/link/event.hpp"

namespace appliance::control {
namespace {

using nlohmann::json;

// A worker answers within a turn of its loop; this long only when the machine is on its knees.
constexpr core::Milliseconds report_max{2'000};
// One that has not answered the last question must not hold up everybody who asks: each would wait for the others too.
constexpr core::Milliseconds silent_look{200};
// A proxy is not given traffic before the kernel's fences are known, unless there is no fence process for this long.
constexpr std::chrono::milliseconds fences_wait{2'000};
constexpr core::Milliseconds retry{1'000};
// How often it is asked whether the checks of a proxy that does not serve yet are through.
constexpr core::Milliseconds warm_step{50};
// How long an order waits at the start for the proxy's link, and how often it looks.
constexpr core::Milliseconds proxy_known_wait{2'000};
constexpr core::Milliseconds known_look{5};
// Fences expire to the second.
constexpr std::chrono::milliseconds expiry_step{200};

}  // namespace

Control::Control(config::Config config, SupervisorLink& supervisor, core::base::Log& log_to, Names::LookUp look_up)
    : supervisor_(supervisor),
      log_(log_to),
      proxy_([this](const std::string& why) { end_foreign(link::Process::proxy, why); }),
      helper_([&supervisor] { supervisor.wake(); },
              [this](const std::string& why) { end_foreign(link::Process::fence, why); }),
      file_(config.file),
      keeper_(config.control.state, [this](const std::optional<StateTrouble>& trouble) { tell_trouble(trouble); }),
      firewall_(config, helper_, [this](std::string_view kind, const Json& fields) { log(kind, fields); }),
      names_(std::move(look_up)) {
    file_.recover();
    keeper_.follow_clock(wall_steps_.offset());
    helper_.follow_clock(wall_steps_.offset());
    Administration administration = keeper_.load();
    state_.config = std::make_shared<const config::Config>(with_known_addresses(std::move(config)));
    state_.administration = std::make_shared<const Administration>(std::move(administration));
    follow_file();
    recover_trial();
}

Control::State Control::state() const {
    const std::lock_guard lock(state_mutex_);
    return state_;
}

void Control::publish(Administration administration) {
    untold_ = true;
    publish_ends(std::move(administration));
}

void Control::publish_ends(Administration administration) {
    const std::lock_guard lock(state_mutex_);
    state_.administration = std::make_shared<const Administration>(std::move(administration));
    revision_.advance();
}

void Control::publish(config::Config config) {
    names_.follow(config);
    names_moved_ = true;
    const std::lock_guard lock(state_mutex_);
    state_.config = std::make_shared<const config::Config>(std::move(config));
}

void Control::log(std::string_view kind, const Json& fields) {
    const std::string line = link::event_line(kind, fields);
    events_.publish(kind, line);
    log_.write(line);
}

void Control::handle(link::Notice notice) {
    std::visit([this](auto& one) { take(one); }, notice);
}

// It has sent what none of ours would. The supervisor starts another one, as after a death.
void Control::end_foreign(link::Process process, const std::string& why) {
    log("link", {{"process", link::print(process)}, {"error", why}});
    supervisor_.end_child(process, why);
}

void Control::take(link::ChildStarted& started) {
    if (started.process == link::Process::proxy) {
        proxy_.attach(std::move(started.link), started.pid);
        proxy_known_ = true;
        configure_at_ = Clock::now();
        beside_ = started.beside;
        warm_until_.reset();
    } else {
        helper_.attach(std::move(started.link));
        reconcile_at_ = Clock::now();
        reconciled_ = false;
        firewall_at_ = {};
    }
}

void Control::take(const link::ChildExited& exited) {
    const bool is_proxy = exited.process == link::Process::proxy;
    is_proxy ? proxy_.detach() : helper_.detach();
    proxy_known_ = proxy_known_ || is_proxy;
    // The supervisor has logged it, in another process than the one that is asked for the log.
    events_.publish("process_exit",
                    link::event_line("process_exit", {{"process", link::print(exited.process)}, {"why", exited.why}}));
}

void Control::take(const link::HandedOver& /*all*/) {
    proxy_known_ = true;
}

void Control::take(const link::Reload& /*reload*/) {
    const std::lock_guard lock(changing_);
    static_cast<void>(change({std::nullopt, {"the supervisor", "SIGHUP", std::nullopt}}));
}

void Control::take(const link::UpgradeNews& news) {
    const std::lock_guard lock(state_mutex_);
    upgrade_ = news.upgrade;
    old_proxies_ = news.old_proxies;
}

void Control::take(const link::Stop& stop) {
    stopping_ = true;
    if (const auto told = proxy_.drain(stop.deadline); !told) {
        log("stopping", {{"error", told.error().line()}});
    }
}

void Control::tick(Clock::time_point now) {
    mend_drift(now);
    if (compare_again_.exchange(false)) {
        reconciled_ = false;
        reconcile_at_ = now;
    }
    if (!reconciled_ && helper_.attached() && now >= reconcile_at_) {
        reconcile_at_ = now + compare();
    }
    keep_names(now);
    const bool fences_known = reconciled_ || now >= started_ + fences_wait;
    if (proxy_.status().state == ProxyState::starting && now >= configure_at_ && fences_known && names_settled(now)) {
        configure_at_ = now + configure_proxy();
    }
    keep_firewall(now);
    keep_trial(now);
    keep_redirects(now);
    keep_state(now);
    tell_again(now);
    if (now >= expire_at_) {
        expire();
        watch_listeners(now);
        expire_at_ = now + expiry_step;
    }
}

Control::Clock::time_point Control::next_tick() const {
    Clock::time_point next = std::min({expire_at_, redirect_at_, trial_at_});
    if (!reconciled_ && helper_.attached()) {
        next = std::min(next, reconcile_at_);
    }
    if (proxy_.status().state == ProxyState::starting && names_settled(Clock::now())) {
        next = std::min(next, reconciled_ ? configure_at_ : std::max(configure_at_, started_ + fences_wait));
    }
    return next;
}

// Returns when to try again, where that is to be. The main loop does not wait for an order; see expire().
core::Milliseconds Control::compare() {
    const std::unique_lock lock(changing_, std::try_to_lock);
    if (!lock || !proxy_known_) {
        return known_look;  // this loop itself hears of the proxy
    }
    const auto done = reconcile();
    reconciled_ = done.has_value();
    if (done) {
        fences_known_ = true;
        settle_drift();
    } else {
        log("fence", {{"error", done.error().line()}});
    }
    return retry;
}

// Returns when to try again, where that is to be.
core::Milliseconds Control::configure_proxy() {
    const std::unique_lock lock(changing_, std::try_to_lock);
    if (!lock || (beside_ && !warm_up())) {
        return warm_step;
    }
    auto done = configure(*state().config).and_then([this] {
        return proxy_.ask(administer_message(*state().config, *state().administration, known()), {},
                          ProxyLink::answer_max);
    });
    if (!done) {
        log("configure", {{"error", done.error().line()}});
        return retry;
    }
    untold_ = false;
    proxy_.mark_running();
    if (!std::exchange(told_ready_, true)) {
        static_cast<void>(supervisor_.ready());
        log("ready", {{"config", state().config->file.string()}});
    }
    return retry;
}

// Sends a configuration with all its sockets. Duplicates of ours are closed again at the end; the supervisor keeps its.
core::Result<void> Control::configure(const config::Config& config) {
    json message = configure_message(config);
    if (trial_) {
        hold_while_on_trial(message);
    }
    message["recall"] = going_back_;
    // Under the new names: a fenced server whose name changes must not be open until the next "administer".
    message["fences"] = administer_message(config, *state().administration, known())["fences"];
    std::vector<core::base::Descriptor> sockets;
    const auto take = [&sockets](std::vector<core::base::Descriptor> more) {
        std::move(more.begin(), more.end(), std::back_inserter(sockets));
    };
    core::Result<void> opened;
    for (const json& listener : message["listeners"]) {
        const auto address = core::Address::parse(listener["address"].get<std::string>());
        opened = opened.and_then([&] { return supervisor_.open_listeners(*address, listener["fds"]).map(take); });
    }
    for (const char* family : {"v4", "v6"}) {
        opened = opened.and_then(
            [&] { return supervisor_.open_probe_sockets(family, message["probe_sockets"][family]).map(take); });
    }
    if (!opened) {
        return opened;
    }
    std::vector<int> fds;
    std::transform(sockets.begin(), sockets.end(), std::back_inserter(fds), [](const auto& one) { return one.get(); });
    return proxy_.ask(message, fds, ProxyLink::answer_max).map([](const json&) {});
}

// Fine without a proxy: the next one is given everything before it serves. One that is there is told, also before this
// process has configured it: it may serve by what an earlier control said. What it did not take it is told again.
core::Result<void> Control::administer(core::Milliseconds patience) {
    return redirect().and_then([&] { return tell_proxy(patience); });
}

Known Control::known() const {
    return {fences_read_, keeper_.known()};
}

core::Result<void> Control::tell_proxy(core::Milliseconds patience) {
    if (auto known = await_proxy(); !known) {
        return known;
    }
    const auto alive = [this] {
        const auto state = proxy_.status().state;
        return state == ProxyState::starting || state == ProxyState::running;
    };
    if (!alive()) {
        untold_ = false;  // the next one is told all
        return {};
    }
    const State now = state();
    untold_ = true;
    const auto answer = proxy_.ask(administer_message(*now.config, *now.administration, known()), {}, patience);
    if (!answer && alive()) {
        return tl::unexpected(answer.error());
    }
    untold_ = false;
    return {};
}

// At the start of this process: until the supervisor has handed over the proxy's link, one that nobody here knows of
// may serve. Not for the main loop, which would wait for itself.
core::Result<void> Control::await_proxy() {
    const auto deadline = Clock::now() + proxy_known_wait;
    while (!proxy_known_) {
        if (Clock::now() >= deadline) {
            return core::fail_os("it is not known whether a proxy serves", EPIPE,
                                 "gatehouse is starting; try again in a moment");
        }
        core::base::sleep_for(known_look);
    }
    return {};
}

// The main loop does not wait for an order; see expire().
void Control::tell_again(Clock::time_point now) {
    if (!untold_ || now < tell_at_) {
        return;
    }
    if (!proxy_.may_ask({})) {
        tell_at_ = Clock::now() + retry;
        return;
    }
    const std::unique_lock lock(changing_, std::try_to_lock);
    if (!lock) {
        return;
    }
    if (const auto told = administer(tell_max); !told) {
        tell_at_ = Clock::now() + retry;
    } else {
        log("proxy", {{"told", "what it had not taken before"}});
    }
}

json Control::report() {
    if (proxy_.status().state != ProxyState::running) {
        return nullptr;
    }
    if (!proxy_.may_ask(silent_look)) {
        return nullptr;
    }
    return proxy_.report(report_max);
}

Control::Json Control::refusals() {
    if (proxy_.status().state != ProxyState::running || !proxy_.may_ask(silent_look)) {
        return nullptr;
    }
    auto answer = proxy_.ask({{"type", "refusals"}}, {}, report_max);
    return answer && answer->contains("refusals") ? Json(answer->at("refusals")) : Json();
}

json Control::visitors(const std::string& pool) {
    const json seen = report();
    return seen.is_null() ? json() : json{{"proxy", proxy_.status().pid}, {"visitors", visitors_in(seen, pool)}};
}

Control::Json Control::status() {
    return status(report());
}

std::vector<Metric> Control::metrics() {
    const json seen = report();
    return collect_metrics(status(seen), seen);
}

Control::Json Control::status(const json& report) {
    const State now = state();
    Json view = view_status(*now.config, *now.administration,
                            {since_, proxy_.status(), helper_.attached(), helper_.since()}, report);
    show_presence(view);
    show_redirects(view);
    show_names(view);
    const auto trouble = keeper_.trouble();
    view["state_folder"] = {{"state", trouble ? "trouble" : "ok"},
                            {"why", trouble ? Json(trouble->why) : Json()},
                            {"since", trouble ? Json(core::base::print_time(trouble->since)) : Json()},
                            {"unsaved", trouble && trouble->unsaved}};
    const std::lock_guard lock(state_mutex_);
    view["fence_helper"]["repairs"] = repairs_;
    view["upgrade"] = upgrade_;
    view["trial"] = trial_shown_;
    return view;
}

}  // namespace appliance::control
