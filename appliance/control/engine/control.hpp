// Control: the operators' side of Gatehouse. It knows the configuration and the operators' orders. It keeps the orders,
// and brings proxy and kernel into line with both. Lives in the control process; API threads and its main loop call it.
// Each subject is a class. Control makes these classes, hands them the supervisor's events and the time, and is their
// only interface.
#pragma once

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "appliance/control/configuration/configuration_changes.hpp"
#include "appliance/control/configuration/name_sync.hpp"
#include "appliance/control/configuration/reloader.hpp"
#include "appliance/control/configuration/trial_keeper.hpp"
#include "appliance/control/engine/upgrades.hpp"
#include "appliance/control/observe/listener_watch.hpp"
#include "appliance/control/observe/metrics.hpp"
#include "appliance/control/orders/fence_waits.hpp"
#include "appliance/control/orders/fences.hpp"
#include "appliance/control/orders/maintenance.hpp"
#include "appliance/control/orders/unfences.hpp"
#include "appliance/control/orders/weights.hpp"
#include "appliance/control/sync/control_state.hpp"
#include "appliance/control/sync/fence_commits.hpp"
#include "appliance/control/sync/firewall.hpp"
#include "appliance/control/sync/kernel_sync.hpp"
#include "appliance/control/sync/proxy_sync.hpp"
#include "appliance/control/sync/redirect_sync.hpp"
#include "appliance/control/sync/state_upkeep.hpp"

namespace appliance::control {

// As the machine resolves names, over UDP alone: a bounded number at a time, and of each answer.
core::Result<std::vector<core::Address>> look_up_name(const std::string& name, Names::Clock::time_point deadline);

// Every public function may be called by any thread, but for the main loop's. Contracts of the commands stand beside
// the functions of the same subject.
class Control {
public:
    using Json = ControlState::Json;
    using Clock = ControlState::Clock;

    // supervisor and log outlive it; look_up is called by threads of its own. Reads the store; one that cannot be read
    // is no reason not to start, because traffic does not need it: every change is refused then, with the reason.
    Control(const config::Config& config, SupervisorLink& supervisor, core::base::Log& log,
            Names::LookUp look_up = &look_up_name);

    // The main loop's.
    //
    // One event of the supervisor.
    void handle(link::Notice notice);
    // Does what is due: gives a new proxy its configuration, adopts fences, mends drift, lifts what has expired.
    void tick(Clock::time_point now);
    // After the last event. Where Gatehouse stops, switches off what it has switched on.
    void finish();
    // When tick has something to do again, at the latest.
    [[nodiscard]] Clock::time_point next_tick() const;
    // Whether a proxy has been given its configuration by this process.
    [[nodiscard]] bool has_served() const noexcept { return proxy_sync_.has_served(); }

    // What there is.
    [[nodiscard]] Json status();
    [[nodiscard]] std::vector<Metric> metrics();
    [[nodiscard]] std::shared_ptr<const config::Config> config() const { return shared_.wanted().config; }
    Outcome<Json> rules() { return kernel_.rules(); }
    Outcome<Json> watch_rules(std::uint64_t seen, core::Milliseconds patience) {
        return kernel_.watch_rules(seen, patience);
    }
    Outcome<std::string> rules_text() { return kernel_.rules_text(); }
    [[nodiscard]] bool knows_fences() const noexcept { return shared_.knows_fences(); }
    // Proxies from before upgrades that still drain: what they have in flight is not known.
    [[nodiscard]] std::size_t old_proxies() const noexcept { return shared_.old_proxies; }
    [[nodiscard]] std::string fence_note(const core::Address& address) const { return fences_.note_at(address); }
    [[nodiscard]] Json refusals() { return shared_.refusals(); }
    // What the pool's visitors have seen since the proxy's start, to be kept and subtracted: {"proxy": pid, "visitors":
    // visitors_in()}; null while there is no proxy.
    [[nodiscard]] nlohmann::json visitors(const std::string& pool);

    // The orders. Those that change something write one line to the log; only one of them is under way at a time, but
    // for the waiting at their end.
    Outcome<Json> fence(const FenceOrder& order) { return fences_.fence(order); }
    Outcome<Json> unfence(const UnfenceOrder& order) { return unfences_.unfence(order); }
    static constexpr core::Milliseconds command_wait = Unfences::command_wait;
    Outcome<void> holds(std::int64_t rollout, const std::string& pool, const std::vector<std::string>& servers) {
        return waits_.holds(rollout, pool, servers);
    }
    Outcome<void> begin_command(std::int64_t rollout, const std::string& pool, const std::string& server) {
        return unfences_.begin_command(rollout, pool, server);
    }
    void end_command(const std::string& pool, const std::string& server) { unfences_.end_command(pool, server); }
    [[nodiscard]] Json maintenance() { return maintenance_.view(); }
    Outcome<Json> set_maintenance(const MaintenanceOrder& order) { return maintenance_.set(order); }
    Outcome<Json> set_weight(const WeightOrder& order) { return weights_.set(order); }
    [[nodiscard]] Json firewall();
    Outcome<Json> confirm_firewall(const std::string& who, const std::string& why);

    // The configuration.
    Outcome<Json> reload(const ReloadOrder& order) { return changes_.reload(order); }
    Outcome<std::string> configuration(Edition edition) { return changes_.text(edition); }
    Outcome<Json> apply(const ConfigurationOrder& order) { return changes_.apply(order); }
    Outcome<Json> rollback(const std::string& who, const std::string& why) { return changes_.rollback(who, why); }
    Outcome<Json> confirm_configuration(const std::string& who, const std::string& why) {
        return trials_.confirm(who, why);
    }
    [[nodiscard]] Json trial() const { return trials_.view(); }

    // Upgrades. The last one is told before anything else.
    Outcome<Json> check_upgrade(const std::string& who, const std::string& why) { return upgrades_.check(who, why); }
    void upgrade() { upgrades_.upgrade(); }
    [[nodiscard]] nlohmann::json last_upgrade() const { return upgrades_.last(); }

    // One line to the log, and to those that follow events.
    void log(std::string_view kind, const Json& fields) { shared_.log(kind, fields); }
    [[nodiscard]] Events& events() noexcept { return shared_.events; }

private:
    void take(link::ChildStarted& started);
    void take(const link::ChildExited& exited);
    void take(const link::HandedOver& all);
    void take(const link::Reload& reload);
    void take(const link::UpgradeNews& news);
    void take(const link::Stop& stop);
    [[nodiscard]] Json status(const nlohmann::json& report);
    void keep_firewall(Clock::time_point now);
    void watch_listeners(Clock::time_point now);

    ControlState shared_;
    Firewall firewall_;  // guarded by ControlState::changing
    RedirectSync redirects_{shared_};
    ProxySync proxy_sync_{shared_, redirects_};
    FenceCommits commits_{shared_, redirects_, proxy_sync_};
    KernelSync kernel_{shared_, proxy_sync_, commits_, firewall_};
    StateUpkeep upkeep_{shared_, proxy_sync_, commits_, kernel_};
    FenceWaits waits_{shared_, proxy_sync_};
    Fences fences_{shared_, commits_, waits_};
    Unfences unfences_{shared_, proxy_sync_, commits_, waits_};
    Maintenance maintenance_{shared_, proxy_sync_, commits_};
    Weights weights_{shared_, proxy_sync_, commits_};
    Reloader reloader_;
    TrialKeeper trials_{shared_, proxy_sync_, reloader_};
    ConfigurationChanges changes_{shared_, reloader_, trials_};
    NameSync name_sync_{shared_, reloader_};
    Upgrades upgrades_{shared_};

    // The main loop's.
    LocalAddresses local_addresses_;
    ListenerWatch listener_watch_{[this](const core::Address& address) { return local_addresses_.find(address); },
                                  [this](std::string_view kind, const Json& fields) { log(kind, fields); }};
    bool stopping_ = false;
    Clock::time_point presence_at_{};
    Clock::time_point firewall_at_{};
    Clock::time_point expire_at_{};
};

}  // namespace appliance::control
