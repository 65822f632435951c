// FirewallTrial: which [firewall] counts, while a change of it waits for the operator's word. Pure: the time is handed
// in, firewall_store.hpp keeps the value, firewall.hpp carries out what it says.
#pragma once

#include <optional>
#include <string>

#include "appliance/config/model/config.hpp"
#include "core/base/duration.hpp"

namespace appliance::control {

// A change under way: it counts, but goes back at `until` unless an operator confirms it.
struct FirewallChange {
    config::Firewall wanted;
    std::string who;
    std::string why;
    core::WallTime since{};
    core::WallTime until{};

    friend bool operator==(const FirewallChange&, const FirewallChange&) = default;
};

struct FirewallTrial {
    config::Firewall confirmed;
    std::optional<FirewallChange> change;
    std::optional<config::Firewall> refused;  // it was not confirmed; only another reload tries it again

    // What the kernel shall hold now.
    [[nodiscard]] const config::Firewall& in_force() const { return change ? change->wanted : confirmed; }
    friend bool operator==(const FirewallTrial&, const FirewallTrial&) = default;
};

// Whether both let the same packets through, listeners apart. How long a change waits is no difference.
[[nodiscard]] bool same_rules(const config::Firewall& left, const config::Firewall& right);

// A reload brought `wanted`. It waits from `now` on, and replaces a change that was waiting. The change goes back to
// what was confirmed last.
[[nodiscard]] FirewallTrial begin_change(FirewallTrial trial, const config::Firewall& wanted, std::string who,
                                         std::string why, core::WallTime now);

// At the start of the process. Without a stored state the file counts at once: an operator has just started it for the
// first time. A file that differs from the stored state is a change as by a reload, unless it was refused before.
[[nodiscard]] FirewallTrial begin(const std::optional<FirewallTrial>& stored, const config::Firewall& file,
                                  core::WallTime now);

// The change counts for good. Nothing when there is none to confirm.
[[nodiscard]] std::optional<FirewallTrial> confirm(const FirewallTrial& trial);

// The state without the change when its time is over, or when the clock was set back beyond its begin: a wrong clock
// must not keep operators locked out. Nothing otherwise.
[[nodiscard]] std::optional<FirewallTrial> expire(const FirewallTrial& trial, core::WallTime now);

}  // namespace appliance::control
