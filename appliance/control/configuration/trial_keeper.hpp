// TrialKeeper: what becomes of a change of the configuration after it has been taken: what the checks say of it is
// looked at, and one on trial goes back unless it is confirmed.
#pragma once

#include <cstdint>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "appliance/control/configuration/reloader.hpp"
#include "appliance/control/model/order.hpp"
#include "appliance/control/sync/control_state.hpp"
#include "appliance/control/sync/proxy_sync.hpp"

namespace appliance::control {

// ControlState::changing guards ControlState::trial and all that is here, but for what names another lock.
class TrialKeeper {
public:
    using Json = ControlState::Json;
    using Clock = ControlState::Clock;

    // All outlive it.
    TrialKeeper(ControlState& shared, ProxySync& proxy_sync, Reloader& reloader)
        : shared_(shared), proxy_sync_(proxy_sync), reloader_(reloader) {}

    // The caller of these holds ControlState::changing.
    //
    // At the start: what was on trial when the process before this one ended still is.
    void recover();
    // On the disk before anything changes. Errors: the disk's; the file is not one that we can put back.
    core::Result<void> begin(const ReloadOrder& order, const std::set<std::string>& served);
    core::Result<void> set(std::optional<ConfigurationTrial> trial);
    // A change counts from now on. served: pools that had a server before it.
    void begin_look(const std::set<std::string>& served);
    [[nodiscard]] std::uint64_t change() const noexcept { return look_.change; }
    Outcome<Json> roll_back(const std::string& who, const std::string& why);

    // Any thread, without that lock.
    //
    // Returns `done` with "warnings" when the checks have said what they see of that change. 409: it has gone back.
    Outcome<Json> wait_for_look(Outcome<Json> done, std::uint64_t change);
    // The change that waits counts for good. 409 where none does, or its time is over.
    Outcome<Json> confirm(const std::string& who, const std::string& why);
    // The change that waits to be confirmed, with its author, reason, begin and end; null where none does.
    [[nodiscard]] Json view() const;

    // The main loop's, which does not wait for an order.
    void tick(Clock::time_point now);
    [[nodiscard]] Clock::time_point due() const noexcept { return due_; }

private:
    // What checks say of the pools since the last change.
    struct Look {
        std::uint64_t change = 0;
        std::set<std::string> served;  // pools that had a server before it
        Clock::time_point until{};     // what is undecided then is told as it is
        bool concluded = true;
        std::vector<std::string> warnings;
        std::string gone_back;  // why it has; empty: it has not
    };
    void look(Clock::time_point now);
    Outcome<Json> go_back(const std::string& why, Clock::time_point now);

    ControlState& shared_;
    ProxySync& proxy_sync_;
    Reloader& reloader_;
    Look look_;
    Clock::time_point go_back_at_{};             // after a try that failed
    std::optional<Clock::time_point> relax_at_;  // the proxy need not hold requests for longer than the file says
    Clock::time_point due_{};                    // the main loop's
    mutable std::mutex shown_mutex_;
    Json shown_;  // of the trial; guarded by shown_mutex_
};

// {"who", "why", "since", "until"}, or null.
[[nodiscard]] nlohmann::ordered_json view_trial(const std::optional<ConfigurationTrial>& trial);

}  // namespace appliance::control
