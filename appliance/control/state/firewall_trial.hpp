// FirewallTrial: which [firewall] counts, while a change of it waits for the operator's word. Pure: the time is handed
// in, firewall_store.hpp keeps the value, firewall.hpp carries out what it says.
#pragma once

#include <optional>
#include <string>

#include "appliance/config/model/config.hpp"
#include "core/base/duration.hpp"

namespace appliance::control {

// A change under way: it counts, but goes away at `until` unless somebody confirms it.
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
    std::optional<config::Firewall> refused;  // nobody confirmed it; only another reload tries it again

    // What the kernel shall hold now.
    [[nodiscard]] const config::Firewall& in_force() const { return change ? change->wanted : confirmed; }
    friend bool operator==(const FirewallTrial&, const FirewallTrial&) = default;
};

// Whether both let the same packets through, listeners apart. How long a change waits is no difference.
[[nodiscard]] bool same_rules(const config::Firewall& left, const config::Firewall& right);

// A reload brought `wanted`. It waits from `now` on; a change that was waiting before is given up, and what was
// confirmed last stays what is gone back to.
[[nodiscard]] FirewallTrial begin_change(FirewallTrial trial, const config::Firewall& wanted, std::string who,
                                         std::string why, core::WallTime now);

// At the start of the process. Without a stored state the file counts at once: whoever started it for the first time
// was there. A file that differs from what is stored is a change like that of a reload, unless it was refused before.
[[nodiscard]] FirewallTrial begin(const std::optional<FirewallTrial>& stored, const config::Firewall& file,
                                  core::WallTime now);

// The change counts for good. Nothing when there is none to confirm.
[[nodiscard]] std::optional<FirewallTrial> confirm(const FirewallTrial& trial);

// The state without the change when its time is over, or when the clock was set back to before it began, because a
// clock that is wrong must not keep a locked door locked. Nothing otherwise.
[[nodiscard]] std::optional<FirewallTrial> expire(const FirewallTrial& trial, core::WallTime now);

}  // namespace appliance::control
