// ControlState: what control's subjects share. The links to the other processes, what the file and operators want, what
// is known of the kernel. And the lock that lets one change through at a time. It decides nothing.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "appliance/control/link/helper_link.hpp"
#include "appliance/control/link/messages.hpp"
#include "appliance/control/link/proxy_link.hpp"
#include "appliance/control/link/supervisor_link.hpp"
#include "appliance/control/model/fence_endings.hpp"
#include "appliance/control/model/record.hpp"
#include "appliance/control/model/refusal.hpp"
#include "appliance/control/observe/events.hpp"
#include "appliance/control/observe/names.hpp"
#include "appliance/control/observe/revision.hpp"
#include "appliance/control/state/configuration_trial.hpp"
#include "appliance/control/state/state_keeper.hpp"
#include "appliance/control/sync/drift_record.hpp"
#include "core/base/clock.hpp"
#include "core/base/log.hpp"

namespace appliance::control {

// What the file says, and what operators have ordered. Each is replaced as a whole, and never changed.
struct Wanted {
    std::shared_ptr<const config::Config> config;
    std::shared_ptr<const Administration> administration;
};

// Any thread may call its functions. Members without a lock beside them lock themselves. Locks are taken in this
// order: `changing`, RedirectSync's, and last those of single objects. The main loop only tries `changing` (but for the
// firewall's turn and a reload): an order that holds it may wait for a process that the main loop has to greet.
class ControlState {
public:
    using Json = nlohmann::ordered_json;
    using Clock = core::BootClock;

    // How long an order waits for what the kernel holds.
    static constexpr core::Milliseconds start_wait{2'000};
    // How soon the main loop tries again what another process did not do.
    static constexpr core::Milliseconds retry{1'000};
    // How often it is looked whether something has come that is about to.
    static constexpr core::Milliseconds known_look{5};

    // supervisor and log outlive it. Until begin() there is no configuration.
    ControlState(const std::filesystem::path& folder, SupervisorLink& supervisor, core::base::Log& log,
                 Names::LookUp look_up);
    // Once, before any other thread knows of it.
    void begin(config::Config config, Administration administration);

    [[nodiscard]] Wanted wanted() const;
    // The proxy is to be told of it; until it is, it speaks of what was before.
    void publish(Administration administration);
    // Only ends of fences are others.
    void publish_ends(Administration administration);
    void publish(config::Config config);

    // One line to the log, and to those that follow events.
    void log(std::string_view kind, const Json& fields);
    // To the log, and into what `rules` shows: see DriftRecord.
    void note_drift(Json event);
    void settle_drift();

    // What the proxy sees now; null where it does not serve or does not answer in time.
    [[nodiscard]] nlohmann::json report();
    // What the proxy has refused lately, each with its listener or server; null while it does not answer.
    [[nodiscard]] Json refusals();

    // Under `changing`.
    [[nodiscard]] Known known() const;
    // 503 while the folder has not been read: what an order would find nothing of, may be there. Under `changing`.
    [[nodiscard]] Outcome<void> state_is_known(const char* not_done) const;
    // Whether the kernel's fences have been compared with the store since the start, and since the last failure.
    [[nodiscard]] bool knows_fences() const noexcept { return fences_known && reconciled && !compare_again; }
    // Returns when they have, or at the deadline. Without `changing`, which the look takes.
    void await_fences(Clock::time_point deadline) const;
    // The same, with `changing` held when it returns. 503: they are not known within start_wait.
    Outcome<std::unique_lock<std::mutex>> lock_known();

    std::mutex changing;  // one change at a time; held from its first look at what is wanted to its end

    // Under `changing`.
    StateKeeper keeper;  // but for trouble()
    core::base::WallSteps wall_steps;
    std::set<std::string> withdrawn;          // ids of fences that were taken back while the kernel could not be asked
    bool fences_read = false;                 // the administration holds the kernel's fences
    std::optional<ConfigurationTrial> trial;  // TrialKeeper's
    bool going_back = false;                  // while it goes back

    // Of any thread.
    SupervisorLink& supervisor;
    Events events;
    ProxyLink proxy;
    HelperLink helper;
    Names names;
    Revision revision;
    DriftRecord drift;
    FenceEndings endings;
    CommandLeases leases;
    // What was taken back, or may have been done although its answer was lost: the kernel is compared once more.
    std::atomic<bool> compare_again = false;
    std::atomic<bool> reconciled = false;      // the kernel was compared with the store, with success
    std::atomic<bool> fences_known = false;    // it was so once since the start
    std::atomic<bool> proxy_known = false;     // the supervisor has said which proxy there is, or that there is none
    std::atomic<bool> untold = false;          // the proxy may not have taken what it was told last
    std::atomic<bool> names_moved = false;     // another configuration counts since the names were looked at
    std::atomic<std::size_t> old_proxies = 0;  // from before upgrades, that still drain
    const core::WallTime since = core::base::wall_now();
    const Clock::time_point started = Clock::now();

private:
    void end_foreign(link::Process process, const std::string& why);

    core::base::Log& log_;
    mutable std::mutex mutex_;
    Wanted wanted_;  // guarded by mutex_
};

}  // namespace appliance::control
