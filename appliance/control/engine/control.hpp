// Control: the operators' side of Gatehouse. It knows what the file says and what operators want, keeps the second,
// and brings proxy and kernel into line with both. Lives in the control process; API threads and its main loop call it.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "appliance/control/engine/firewall.hpp"
#include "appliance/control/link/helper_link.hpp"
#include "appliance/control/link/messages.hpp"
#include "appliance/control/link/proxy_link.hpp"
#include "appliance/control/link/supervisor_link.hpp"
#include "appliance/control/model/drift.hpp"
#include "appliance/control/model/fence_claim.hpp"
#include "appliance/control/model/fence_endings.hpp"
#include "appliance/control/model/order.hpp"
#include "appliance/control/model/record.hpp"
#include "appliance/control/model/refusal.hpp"
#include "appliance/control/model/targets.hpp"
#include "appliance/control/observe/events.hpp"
#include "appliance/control/observe/listener_watch.hpp"
#include "appliance/control/observe/metrics.hpp"
#include "appliance/control/observe/names.hpp"
#include "appliance/control/observe/revision.hpp"
#include "appliance/control/state/configuration_file.hpp"
#include "appliance/control/state/configuration_trial.hpp"
#include "appliance/control/state/state_keeper.hpp"
#include "core/base/clock.hpp"
#include "core/base/log.hpp"

namespace appliance::control {

// As the machine resolves names, over UDP alone: a bounded number at a time, and of each answer.
core::Result<std::vector<core::Address>> look_up_name(const std::string& name, Names::Clock::time_point deadline);

// Every public function may be called by any thread, but handle() and tick(), which belong to the main loop.
class Control {
public:
    using Json = nlohmann::ordered_json;
    using Clock = core::BootClock;

    // supervisor and log outlive it; look_up is called by threads of its own. Reads the store; one that cannot be read
    // is no reason not to start, because traffic does not need it: every change is refused then, with the reason.
    Control(config::Config config, SupervisorLink& supervisor, core::base::Log& log,
            Names::LookUp look_up = &look_up_name);

    // One event of the supervisor.
    void handle(link::Notice notice);
    // Does what is due: gives a new proxy its configuration, adopts fences, mends drift, lifts what has expired.
    void tick(Clock::time_point now);
    // After the last event, for the main loop. Where Gatehouse stops, switches off what it has switched on.
    void finish();
    // When tick has something to do again, at the latest.
    [[nodiscard]] Clock::time_point next_tick() const;

    // The commands. Those that change something write one line to the log; only one of them is under way at a time,
    // but for the waiting at their end.
    [[nodiscard]] Json status();
    [[nodiscard]] std::vector<Metric> metrics();
    [[nodiscard]] std::shared_ptr<const config::Config> config() const { return state().config; }
    Outcome<Json> rules();
    // The same, when the fences, or what is wanted of them, are no longer of the revision `seen`, or after patience.
    Outcome<Json> watch_rules(std::uint64_t seen, core::Milliseconds patience);
    Outcome<std::string> rules_text();
    [[nodiscard]] Json maintenance();
    // Returns when the rules are in the kernel and every worker has closed its idle connections, and, with drain, when
    // the last exchange has ended (504 at the deadline; the fences hold). What the proxy does not tell is not known,
    // and is waited for. A proxy that does not take the order in time holds up no fence: the rules are in the kernel
    // (504; the fences hold), and it is told again. 409 where one of the fences was lifted, replaced or ran out
    // meanwhile. With kill, ends what is established before it returns, and says how much that was (an error where the
    // kernel cannot; the fences hold). See fence_claim.hpp for what becomes of fences that stand.
    Outcome<Json> fence(const FenceOrder& order);
    // Waits first, for command_wait at most, until no rollout's command runs there (504: nothing is lifted). With wait,
    // returns when a check of each backend has passed since (504 at the deadline; the fences are lifted; 409 where one
    // was fenced again).
    Outcome<Json> unfence(const UnfenceOrder& order);
    static constexpr core::Milliseconds command_wait{60'000};
    // Whether the rollout's own fences of these servers stand in the kernel. Errors: 409, whose fence it is or how it
    // ended; 503, it is not known.
    Outcome<void> holds(std::int64_t rollout, const std::string& pool, const std::vector<std::string>& servers);
    // A rollout's command begins behind its fence. 409: the fence is not the rollout's any more, or is about to be
    // lifted. Asks no other process.
    Outcome<void> begin_command(std::int64_t rollout, const std::string& pool, const std::string& server);
    void end_command(const std::string& pool, const std::string& server);
    Outcome<Json> set_maintenance(const MaintenanceOrder& order);
    // In the proxy, or in the kernel's slots, when it returns.
    Outcome<Json> set_weight(const WeightOrder& order);
    [[nodiscard]] Json firewall();
    Outcome<Json> confirm_firewall(const std::string& who, const std::string& why);
    // 422 with every problem where the file is invalid; nothing has changed then. Returns when the checks have said
    // whether the pools that had a server still have one, 6 s later at most: "warnings" holds a line for each that has
    // none. With confirm, the change goes back unless it is confirmed in that time, and at once where such a pool has
    // no server left (409 then). 409 too, while another one waits to be confirmed.
    Outcome<Json> reload(const ReloadOrder& order);
    // The text of the configuration file, or of the one before (404 where there is none).
    Outcome<std::string> configuration(Edition edition);
    // Puts the text into the file and reloads: 422 with every problem, 409 where the file cannot be written; then, and
    // where the reload is refused, the file is what it was. The rest is as with reload().
    Outcome<Json> apply(const ConfigurationOrder& order);
    // The change that waits counts for good. 409 where none does, or its time is over.
    Outcome<Json> confirm_configuration(const std::string& who, const std::string& why);
    // The change that waits to be confirmed: who, why, since, until; null where none does.
    [[nodiscard]] Json trial() const;
    // The same with the text of the one before, which changes places with it. 404 where there is none. A change that
    // waits to be confirmed goes back.
    Outcome<Json> rollback(const std::string& who, const std::string& why);
    // Says whether the program at the daemon's path will do (409 with the reason where it will not); and then,
    // when its caller has been told, lets the supervisor become it, which ends this process. `status` shows the rest.
    Outcome<Json> check_upgrade(const std::string& who, const std::string& why);
    void upgrade();

    // Whether the kernel's fences have been compared with the store since the start, and since the last failure.
    [[nodiscard]] bool knows_fences() const noexcept { return fences_known_ && reconciled_ && !compare_again_; }

    // The last upgrade, as the supervisor tells it: state, from, to, who, why, error; null: there was none since its
    // start. It is told before anything else.
    [[nodiscard]] nlohmann::json last_upgrade() const;
    // Whether a proxy has been given its configuration by this process.
    [[nodiscard]] bool has_served() const noexcept { return told_ready_; }

    // Proxies from before upgrades that still drain: what they have in flight is not known.
    [[nodiscard]] std::size_t old_proxies() const noexcept { return old_proxies_; }

    // "web1 is fenced by ann: deploying", where a fence stands at the address; else empty.
    [[nodiscard]] std::string fence_note(const core::Address& address) const;

    // What the proxy has refused lately, each with its listener or server; null while it does not answer.
    [[nodiscard]] Json refusals();
    // What the pool's visitors have seen since the proxy's start, to be kept and subtracted: {"proxy": pid, "visitors":
    // visitors_in()}; null while there is no proxy.
    [[nodiscard]] nlohmann::json visitors(const std::string& pool);

    // One line to the log, and to those who follow events.
    void log(std::string_view kind, const Json& fields);
    [[nodiscard]] Events& events() noexcept { return events_; }

private:
    void end_foreign(link::Process process, const std::string& why);
    void take(link::ChildStarted& started);
    void take(const link::ChildExited& exited);
    void take(const link::HandedOver& all);
    void take(const link::Reload& reload);
    void take(const link::UpgradeNews& news);
    void take(const link::Stop& stop);

    struct State {
        std::shared_ptr<const config::Config> config;
        std::shared_ptr<const Administration> administration;
    };
    // A backend behind a fence, and the fence that is waited for.
    struct Waited {
        Target target;
        std::string fence;
    };

    [[nodiscard]] State state() const;
    // The proxy is to be told of it; until it is, it speaks of what was before.
    void publish(Administration administration);
    // Only ends of fences are others.
    void publish_ends(Administration administration);
    void publish(config::Config config);
    [[nodiscard]] nlohmann::json report();
    [[nodiscard]] Json status(const nlohmann::json& report);
    static void show_presence(Json& view);
    void watch_listeners(Clock::time_point now);
    [[nodiscard]] config::Config with_known_addresses(config::Config config);
    void give_addresses(config::Config& wanted) const;
    [[nodiscard]] bool names_settled(Clock::time_point now) const;
    void keep_names(Clock::time_point now);
    void note_unfit(std::map<std::string, std::string> unfit);
    void tell_moved(const config::Config& before, const config::Config& after);
    void keep_addresses(const config::Config& config);
    void show_names(Json& view) const;

    // Changing; the caller holds changing_.
    core::Result<void> administer(core::Milliseconds patience = ProxyLink::answer_max);
    [[nodiscard]] Known known() const;
    [[nodiscard]] Outcome<void> state_is_known(const char* not_done) const;
    core::Result<void> tell_proxy(core::Milliseconds patience);
    core::Result<void> await_proxy();
    void tell_again(Clock::time_point now);
    core::Result<void> configure(const config::Config& config);
    // Why the proxy has not confirmed what it was told; nothing where it has, or where there is none.
    using Unconfirmed = std::optional<core::Error>;
    struct Installed {
        std::vector<Claim> claims;
        Unconfirmed unconfirmed;
    };
    core::Result<Unconfirmed> commit_fences(Administration next, std::span<const netfilter::Change> changes);
    std::set<core::Address> tell_installed(const Installed& installed, const FenceOrder& order, Json& fences,
                                           Json& notes);
    // Tells the proxy once more. 504 where it still has not confirmed.
    Outcome<void> confirm_by_proxy(const Unconfirmed& unconfirmed, const netfilter::Reaped& reaped);
    // What an order has lifted.
    struct Lifted {
        std::size_t fences = 0;
        std::vector<Target> targets;  // their checks may be waited for
        std::vector<std::string> notes;
    };
    // Waits for the commands of rollouts that run behind the fences.
    Outcome<Lifted> lift_meant(const UnfenceOrder& order);
    core::Result<void> commit_lift(Administration next, const UnfenceOrder& order,
                                   const std::set<core::Address>& addresses);
    void take_back(const Administration& before, std::span<const netfilter::Change> changes);
    Outcome<netfilter::Reaped> kill(const FenceOrder& order, const std::vector<Target>& targets);
    Outcome<Installed> install(const FenceOrder& order, const std::vector<Target>& targets);
    Outcome<void> lift(const UnfenceOrder& order, const std::set<core::Address>& addresses,
                       std::vector<std::string>& notes);
    // What a change of the configuration asks for: another text in the file, or the file as it is.
    struct Change {
        std::optional<std::string> text;
        ReloadOrder order;
    };
    // What checks say of the pools since the last change.
    struct Look {
        std::uint64_t change = 0;
        std::set<std::string> served;  // pools that had a server before it
        Clock::time_point until{};     // what is undecided then is told as it is
        bool concluded = true;
        std::vector<std::string> warnings;
        std::string gone_back;  // why it has; empty: it has not
    };
    Outcome<Json> try_out(const std::string& text);
    // Refused where the text would change what is root's to say: the user, the state folder and the control socket.
    Outcome<void> keeps_the_file(const std::string& text) const;
    Outcome<Json> change(const Change& change);
    Outcome<Json> roll_trial_back(const std::string& who, const std::string& why);
    Outcome<Json> wait_for_look(Outcome<Json> done, std::uint64_t change);
    core::Result<void> begin_trial(const ReloadOrder& order, const std::set<std::string>& served);
    core::Result<void> set_trial(std::optional<ConfigurationTrial> trial);
    void recover_trial();
    void keep_look(Clock::time_point now);
    void keep_trial(Clock::time_point now);
    Outcome<Json> go_back(const std::string& why, Clock::time_point now);
    Outcome<Json> take_file(const std::string& who, const std::string& why);
    Outcome<Json> take_wanted(config::Config wanted, const std::string& who, const std::string& why);
    Outcome<Json> replace_file(const std::string& text, const std::string& who, const std::string& why);
    Outcome<void> take_config(const config::Config& wanted);
    void follow_file();
    Administration follow_kernel(Administration stored, std::span<const netfilter::Fence> kernel);
    void leave(const Administration& before, const std::vector<netfilter::Change>& lifted);
    static Administration follow(const Administration& before, const config::Config& wanted,
                                 std::vector<netfilter::Change>& changes);
    void withdraw_left(const Administration& before, std::span<const netfilter::Change> moves);
    // Returns in words what differed; empty where nothing did.
    core::Result<Differing> reconcile();
    void mend_drift(Clock::time_point now);
    void settle_drift();
    core::Milliseconds compare();
    core::Milliseconds configure_proxy();
    bool warm_up();
    void keep_redirects(Clock::time_point now);
    core::Result<void> redirect();
    bool redirects_differ();
    void note_redirect_drift();
    void note_forwarding(const netfilter::Forwarded& forwarded);
    void show_redirects(Json& view);
    std::optional<std::uint64_t> in_flight(const Target& target, const nlohmann::json& seen);
    [[nodiscard]] std::optional<std::uint64_t> sum_in_flight(const std::vector<Waited>& waited,
                                                             const nlohmann::json& seen);
    void follow_clock();
    void expire();
    void keep_state(Clock::time_point now);
    void tell_trouble(const std::optional<StateTrouble>& trouble);
    void keep_firewall(Clock::time_point now);

    [[nodiscard]] std::vector<Waited> waits_for(const std::set<core::Address>& addresses) const;
    // Errors: how one of the fences ended.
    [[nodiscard]] core::Result<void> all_stand(const std::vector<Waited>& waited) const;
    [[nodiscard]] Refusal unless_ended(const std::vector<Waited>& waited, Refusal refusal) const;
    Outcome<std::unique_lock<std::mutex>> lock_known();
    void await_fences(Clock::time_point deadline) const;
    // How long an order waits for what the kernel holds.
    static constexpr core::Milliseconds start_wait{2'000};
    // How long a proxy that has missed something is given to take it; longer would hold up the orders that wait.
    static constexpr core::Milliseconds tell_max{200};
    // Nothing: it cannot be asked.
    std::optional<bool> in_kernel(const std::set<core::Address>& addresses);
    [[nodiscard]] std::string why_not_drained(std::optional<std::uint64_t> left, std::optional<bool> stands) const;
    Outcome<void> await_drained(const std::vector<Waited>& waited, core::Milliseconds patience,
                                const Unconfirmed& unconfirmed, const netfilter::Reaped& reaped);
    Outcome<void> look_until_drained(const std::vector<Waited>& waited, core::Milliseconds patience,
                                     Clock::time_point deadline);
    Outcome<void> await_passed(const std::vector<Target>& targets, core::Milliseconds patience);

    SupervisorLink& supervisor_;
    core::base::Log& log_;
    Events events_;
    LocalAddresses local_addresses_;  // the main loop's, like the next two
    ListenerWatch listener_watch_{[this](const core::Address& address) { return local_addresses_.find(address); },
                                  [this](std::string_view kind, const Json& fields) { log(kind, fields); }};
    Clock::time_point presence_at_{};
    ProxyLink proxy_;
    HelperLink helper_;
    const core::WallTime since_ = core::base::wall_now();

    std::mutex redirecting_;  // from the look at the state to the kernel's answer; taken after changing_
    nlohmann::json health_;   // the last report about backends; guarded by redirecting_, like the next three
    std::optional<std::vector<netfilter::Redirect>> redirects_;  // in the kernel; unknown: what an earlier run left
    std::vector<netfilter::RedirectCount> redirect_counts_;
    netfilter::Forwarded forwarded_;
    bool stopping_ = false;  // the main loop's

    std::mutex changing_;  // one change at a time; taken before state_mutex_
    ConfigurationFile file_;
    StateKeeper keeper_;
    std::string running_text_;  // what the file held when it was taken in
    std::optional<ConfigurationTrial> trial_;
    Look look_;
    bool going_back_ = false;
    Clock::time_point go_back_at_{};             // after a try that failed
    std::optional<Clock::time_point> relax_at_;  // the proxy need not hold requests for longer than the file says
    Firewall firewall_;
    core::base::WallSteps wall_steps_;
    std::set<std::string> withdrawn_;  // ids of fences that were taken back while the kernel could not be asked

    FenceEndings endings_;
    CommandLeases leases_;
    // What was taken back, or may have been done although its answer was lost: the kernel is compared once more.
    std::atomic<bool> compare_again_ = false;
    std::atomic<bool> proxy_known_ = false;  // the supervisor has said which proxy there is, or that there is none
    std::atomic<std::size_t> old_proxies_ = 0;
    std::map<core::Address, FenceRecord> left_at_start_;  // what the store held where the file has no server any more
    bool fences_read_ = false;                // the administration holds the kernel's fences; under changing_
    std::atomic<bool> fences_known_ = false;  // the kernel's fences have been compared with the store
    std::atomic<bool> untold_ = false;        // the proxy may not have taken what it was told last

    Names names_;
    std::atomic<bool> names_moved_ = false;  // another configuration counts since the names were looked at

    mutable std::mutex state_mutex_;
    State state_;
    std::map<std::string, std::string> unfit_;  // by server: why its name's address was not taken
    std::uint64_t repairs_ = 0;                 // drifts put right since this process started
    Json last_drift_;                           // null: none
    Revision revision_;
    Json trial_shown_;        // of trial_
    nlohmann::json upgrade_;  // the last one, as the supervisor tells it; null: none

    // The main loop's.
    std::atomic<bool> reconciled_ = false;  // read by any thread
    bool told_ready_ = false;
    bool beside_ = false;  // another proxy serves while ours gets ready
    std::optional<Clock::time_point> warm_until_;
    const Clock::time_point started_ = Clock::now();
    Clock::time_point configure_at_{};
    Clock::time_point reconcile_at_{};
    Clock::time_point redirect_at_{};
    Clock::time_point look_at_{};
    Clock::time_point expire_at_{};
    Clock::time_point firewall_at_{};
    Clock::time_point keep_state_at_{};
    Clock::time_point tell_at_{};
    Clock::time_point trial_at_{};
    Clock::time_point names_at_{};
    std::uint64_t names_taken_ = 0;           // the revision of names_ that counts
    bool names_refused_ = false;              // it could not be taken, and that was told
    std::vector<config::Server> names_kept_;  // with the addresses that a restart finds
};

}  // namespace appliance::control
