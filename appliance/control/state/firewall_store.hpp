// FirewallStore: keeps the firewall's state across crashes and reboots, in a table of its own in gatehouse.db. So a
// change that was not confirmed is taken back after each of them. Not thread safe.
#pragma once

#include <filesystem>
#include <optional>

#include "appliance/control/state/firewall_trial.hpp"
#include "appliance/state/database.hpp"
#include "core/base/result.hpp"

namespace appliance::control {

class FirewallStore {
public:
    // Errors: as Store::open.
    static core::Result<FirewallStore> open(const std::filesystem::path& folder);

    // Nothing when none was ever saved. Error: it cannot be read, or is none of ours.
    core::Result<std::optional<FirewallTrial>> load();
    // On the disk when this returns.
    core::Result<void> save(const FirewallTrial& trial);

private:
    explicit FirewallStore(state::Database database) : database_(std::move(database)) {}

    state::Database database_;
};

}  // namespace appliance::control
