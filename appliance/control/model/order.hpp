// Orders: what operators ask for, checked for form but not yet against the configuration.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "appliance/config/model/config.hpp"
#include "core/base/duration.hpp"
#include "netfilter/model/fence.hpp"

namespace appliance::control {

struct FenceOrder {
    std::vector<std::string> servers;  // at least one
    std::optional<std::string> pool;   // none: every pool with a backend of the server
    std::optional<config::FenceMode> mode;
    netfilter::Scope scope = netfilter::Scope::fresh;
    std::optional<core::Milliseconds> drain;  // how long to wait for what is in flight
    bool kill = false;                        // end what is in flight; the fence then takes all packets
    std::optional<core::Milliseconds> lasts;
    bool replace = false;                 // in place of another owner's fence, however strict that is
    std::optional<std::int64_t> rollout;  // the rollout that orders it by a step; none: an operator does
    std::string who;
    std::string why;
};

struct UnfenceOrder {
    std::vector<std::string> servers;  // names, or addresses as `rules` shows them
    std::optional<std::string> pool;
    std::optional<core::Milliseconds> wait;  // for the first passed check of each
    bool replace = false;                    // at once, though a rollout's command runs there
    std::optional<std::int64_t> rollout;     // lifts this rollout's own fences alone; none: an operator's order
    std::string who;
    std::string why;
};

struct MaintenanceOrder {
    bool on = false;
    std::optional<std::string> pool;  // none: every pool
    std::string message;
    std::optional<core::WallTime> until;
    std::string who;
    std::string why;
};

struct WeightOrder {
    std::vector<std::string> servers;  // at least one
    std::optional<std::string> pool;   // none: every pool with a backend of the server
    std::optional<unsigned> weight;    // 1 to 256; none: the configuration's again
    std::string who;
    std::string why;
};

struct ConfigurationOrder {
    std::string text;
    bool dry_run = false;  // only say what it would change
    std::string who;
    std::string why;
    std::optional<core::Milliseconds> confirm{};  // it goes back unless it is confirmed in this time
};

struct ReloadOrder {
    std::string who;
    std::string why;
    std::optional<core::Milliseconds> confirm{};
};

// Of the configuration file.
enum class Edition { current, previous };

}  // namespace appliance::control
