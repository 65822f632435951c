#include "appliance/control/engine/control.hpp"

#include <algorithm>
#include <utility>

#include "appliance/base/lookups.hpp"
#include "appliance/control/observe/views.hpp"
#include "appliance/control/observe/visitors.hpp"
#include "appliance/link/event.hpp"

namespace appliance::control {
namespace {

using nlohmann::json;

// A proxy gets no traffic before the kernel's fences are known, or this process has run for so long.
constexpr std::chrono::milliseconds fences_wait{2'000};
// Fences expire to the second.
constexpr std::chrono::milliseconds expiry_step{200};
constexpr std::chrono::seconds firewall_step{1};
// An address that has come or gone is told about as late as this.
constexpr std::chrono::milliseconds presence_step{1'000};

// Observed now, and kept nowhere.
void show_presence(Control::Json& view) {
    LocalAddresses addresses;
    for (Control::Json& listener : view["listeners"]) {
        const auto address = core::Address::parse(listener["address"].get<std::string>());
        const Presence presence = address ? addresses.find(*address) : Presence::unknown;
        listener["present"] = nullptr;
        listener["why"] = nullptr;
        if (presence != Presence::unknown) {
            listener["present"] = presence == Presence::here;
        }
        if (presence != Presence::here) {
            listener["why"] = explain(presence, *address);
        }
    }
}

}  // namespace

core::Result<std::vector<core::Address>> look_up_name(const std::string& name, Names::Clock::time_point deadline) {
    constexpr unsigned at_once = 16;
    constexpr std::size_t answers = 64;
    static auto* const all = new base::Lookups(at_once, answers);  // outlives the threads that ask, so never ended
    return all->look_up(name, 0, deadline);
}

Control::Control(const config::Config& config, SupervisorLink& supervisor, core::base::Log& log_to,
                 Names::LookUp look_up)
    : shared_(config.control.state, supervisor, log_to, std::move(look_up)),
      firewall_(config, shared_.helper, [this](std::string_view kind, const Json& fields) { log(kind, fields); }),
      reloader_(config.file, shared_, proxy_sync_, commits_, kernel_, firewall_) {
    reloader_.file().recover();
    Administration administration = shared_.keeper.load();
    shared_.begin(name_sync_.with_known_addresses(config), std::move(administration));
    reloader_.follow_file();
    trials_.recover();
}

void Control::handle(link::Notice notice) {
    std::visit([this](auto& one) { take(one); }, notice);
}

void Control::take(link::ChildStarted& started) {
    if (started.process == link::Process::proxy) {
        shared_.proxy.attach(std::move(started.link), started.pid);
        shared_.proxy_known = true;
        proxy_sync_.begin(started.beside);
    } else {
        shared_.helper.attach(std::move(started.link));
        kernel_.look_again();
        firewall_at_ = {};
    }
}

void Control::take(const link::ChildExited& exited) {
    const bool is_proxy = exited.process == link::Process::proxy;
    is_proxy ? shared_.proxy.detach() : shared_.helper.detach();
    shared_.proxy_known = shared_.proxy_known || is_proxy;
    // The supervisor has logged it, in another process than the one that is asked for the log.
    shared_.events.publish("process_exit", link::event_line("process_exit", {{"process", link::print(exited.process)},
                                                                             {"why", exited.why}}));
}

void Control::take(const link::HandedOver& /*all*/) {
    shared_.proxy_known = true;
}

void Control::take(const link::Reload& /*reload*/) {
    changes_.reload_unwatched({"the supervisor", "SIGHUP", std::nullopt});
}

void Control::take(const link::UpgradeNews& news) {
    upgrades_.take(news);
}

void Control::take(const link::Stop& stop) {
    stopping_ = true;
    if (const auto told = shared_.proxy.drain(stop.deadline); !told) {
        log("stopping", {{"error", told.error().line()}});
    }
}

void Control::tick(Clock::time_point now) {
    kernel_.mend(now);
    kernel_.tick(now);
    name_sync_.tick(now);
    const bool fences_known = shared_.reconciled || now >= shared_.started + fences_wait;
    if (shared_.proxy.status().state == ProxyState::starting && now >= proxy_sync_.due() && fences_known &&
        name_sync_.settled(now)) {
        proxy_sync_.configure_new(now);
    }
    keep_firewall(now);
    trials_.tick(now);
    redirects_.tick(now);
    upkeep_.keep(now);
    proxy_sync_.tell_again(now);
    if (now >= expire_at_) {
        upkeep_.expire();
        watch_listeners(now);
        expire_at_ = now + expiry_step;
    }
}

Control::Clock::time_point Control::next_tick() const {
    Clock::time_point next = std::min({expire_at_, redirects_.due(), trials_.due()});
    if (!shared_.reconciled && shared_.helper.attached()) {
        next = std::min(next, kernel_.due());
    }
    if (shared_.proxy.status().state == ProxyState::starting && name_sync_.settled(Clock::now())) {
        next = std::min(
            next, shared_.reconciled ? proxy_sync_.due() : std::max(proxy_sync_.due(), shared_.started + fences_wait));
    }
    return next;
}

void Control::finish() {
    if (stopping_) {
        redirects_.finish();
    }
}

void Control::keep_firewall(Clock::time_point now) {
    if (now < firewall_at_) {
        return;
    }
    const std::lock_guard lock(shared_.changing);
    firewall_.tick(*config());
    firewall_at_ = now + firewall_step;
}

void Control::watch_listeners(Clock::time_point now) {
    if (now >= presence_at_) {
        presence_at_ = now + presence_step;
        listener_watch_.look(*config());
    }
}

Control::Json Control::firewall() {
    const std::lock_guard lock(shared_.changing);
    return firewall_.view(*config());
}

Outcome<Control::Json> Control::confirm_firewall(const std::string& who, const std::string& why) {
    const std::lock_guard lock(shared_.changing);
    return firewall_.confirm(*config(), who, why);
}

json Control::visitors(const std::string& pool) {
    const json seen = shared_.report();
    return seen.is_null() ? json() : json{{"proxy", shared_.proxy.status().pid}, {"visitors", visitors_in(seen, pool)}};
}

Control::Json Control::status() {
    return status(shared_.report());
}

std::vector<Metric> Control::metrics() {
    const json seen = shared_.report();
    return collect_metrics(status(seen), seen);
}

Control::Json Control::status(const json& report) {
    const Wanted now = shared_.wanted();
    Json view =
        view_status(*now.config, *now.administration,
                    {shared_.since, shared_.proxy.status(), shared_.helper.attached(), shared_.helper.since()}, report);
    show_presence(view);
    redirects_.show(view);
    name_sync_.show(view);
    const auto trouble = shared_.keeper.trouble();
    view["state_folder"] = {{"state", trouble ? "trouble" : "ok"},
                            {"why", trouble ? Json(trouble->why) : Json()},
                            {"since", trouble ? Json(core::base::print_time(trouble->since)) : Json()},
                            {"unsaved", trouble && trouble->unsaved}};
    view["fence_helper"]["repairs"] = shared_.drift.repairs();
    view["upgrade"] = upgrades_.last();
    view["trial"] = trials_.view();
    return view;
}

}  // namespace appliance::control
