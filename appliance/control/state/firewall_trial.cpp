#include "appliance/control/state/firewall_trial.hpp"

#include <utility>

namespace appliance::control {
namespace {

// NTP moves a clock back by less than this.
constexpr std::chrono::seconds clock_tolerance{5};

}  // namespace

bool same_rules(const config::Firewall& left, const config::Firewall& right) {
    if (!left.enabled && !right.enabled) {
        return true;
    }
    auto same = left;
    same.confirm = right.confirm;
    return same == right;
}

FirewallTrial begin_change(FirewallTrial trial, const config::Firewall& wanted, std::string who, std::string why,
                           core::WallTime now) {
    trial.refused.reset();
    if (trial.change && trial.change->wanted == wanted) {
        return trial;
    }
    if (same_rules(trial.confirmed, wanted)) {
        trial.confirmed = wanted;
        trial.change.reset();
        return trial;
    }
    trial.change = FirewallChange{wanted, std::move(who), std::move(why), now, now + wanted.confirm};
    return trial;
}

FirewallTrial begin(const std::optional<FirewallTrial>& stored, const config::Firewall& file, core::WallTime now) {
    if (!stored) {
        return {file, std::nullopt, std::nullopt};
    }
    FirewallTrial trial = expire(*stored, now).value_or(*stored);
    if ((trial.refused && same_rules(*trial.refused, file)) || same_rules(trial.in_force(), file)) {
        return trial;
    }
    return begin_change(std::move(trial), file, "gatehouse", "the file has changed since the last start", now);
}

std::optional<FirewallTrial> confirm(const FirewallTrial& trial) {
    if (!trial.change) {
        return std::nullopt;
    }
    return FirewallTrial{trial.change->wanted, std::nullopt, std::nullopt};
}

std::optional<FirewallTrial> expire(const FirewallTrial& trial, core::WallTime now) {
    if (!trial.change || (now < trial.change->until && now + clock_tolerance >= trial.change->since)) {
        return std::nullopt;
    }
    return FirewallTrial{trial.confirmed, std::nullopt, trial.change->wanted};
}

}  // namespace appliance::control
