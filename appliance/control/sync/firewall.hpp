// Firewall: control's part of the appliance's own firewall. It keeps the kernel at what the configuration says. It
// takes back a change that is not confirmed in time. The caller of each function holds ControlState::changing.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "appliance/config/model/config.hpp"
#include "appliance/control/link/helper_link.hpp"
#include "appliance/control/model/refusal.hpp"
#include "appliance/control/state/firewall_store.hpp"
#include "appliance/control/state/firewall_trial.hpp"

namespace appliance::control {

// The rules that a [firewall] means beside these listeners. A listener on loopback opens nothing; a port that the
// managers have for themselves stays theirs.
[[nodiscard]] netfilter::HostRules host_rules(const config::Firewall& firewall, const config::Config& config);

class Firewall {
public:
    using Json = nlohmann::ordered_json;
    using Log = std::function<void(std::string_view kind, const Json& fields)>;

    // helper outlives it. Reads what is stored; where that cannot be read, the file counts, and log says why.
    Firewall(const config::Config& config, HelperLink& helper, Log log);

    // Before a reload takes the rest of `wanted`: the new rules are in the kernel when this returns, and wait to be
    // confirmed where [firewall] has changed. Errors: the store or the kernel refuses; all is as it was.
    core::Result<void> change(const config::Config& running, const config::Config& wanted, const std::string& who,
                              const std::string& why);
    // After a reload that failed further on.
    void take_back(const FirewallTrial& before, const config::Config& running);
    // 409 when nothing waits. Errors: the store refuses; the change goes on waiting.
    Outcome<Json> confirm(const config::Config& config, const std::string& who, const std::string& why);

    // A new fence process, or a new kernel table: look again.
    void forget() { known_ = false; }
    // Every second or so: takes back what was not confirmed in time, and repairs what another program changed.
    void tick(const config::Config& config);

    [[nodiscard]] const FirewallTrial& trial() const { return trial_; }
    // GET /v1/firewall. Asks the fence process what was dropped, where it is there.
    [[nodiscard]] Json view(const config::Config& config);
    // What a reload's answer says of a change that waits; empty when none does.
    [[nodiscard]] std::string note() const;

private:
    core::Result<void> save(const FirewallTrial& trial);
    core::Result<bool> apply(const FirewallTrial& trial, const config::Config& config);

    HelperLink& helper_;
    Log log_;
    std::filesystem::path folder_;
    FirewallTrial trial_;
    bool known_ = false;  // the kernel was as wanted when it was last asked
    std::uint64_t repairs_ = 0;
    std::string last_error_;  // said once, not every second
};

}  // namespace appliance::control
