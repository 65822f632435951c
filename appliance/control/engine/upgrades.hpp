// Upgrades: control's part in one. The old control process has the new program tried and says go; the new one lets its
// proxy check the servers before it serves (ProxySync), because the proxy before still does.
#pragma once

#include <mutex>
#include <nlohmann/json.hpp>
#include <string>

#include "appliance/control/sync/control_state.hpp"
#include "appliance/link/notice.hpp"

namespace appliance::control {

// Any thread.
class Upgrades {
public:
    using Json = ControlState::Json;

    // shared outlives it.
    explicit Upgrades(ControlState& shared) : shared_(shared) {}

    // Says whether the program at the daemon's path will do (409 with the reason where it will not).
    Outcome<Json> check(const std::string& who, const std::string& why);
    // Lets the supervisor become it, which ends this process. Holds ControlState::changing to the end, so that no other
    // change is cut in the middle.
    void upgrade();
    // The last one, as the supervisor tells it; null: there was none since its start.
    [[nodiscard]] nlohmann::json last() const;
    void take(const link::UpgradeNews& news);

private:
    ControlState& shared_;
    mutable std::mutex mutex_;
    nlohmann::json last_;  // guarded by mutex_
};

}  // namespace appliance::control
