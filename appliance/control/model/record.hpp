// The administrative state: what operators want, apart from what the file says and from what is observed. Durable
// (store.hpp), because neither a crash nor a reboot may forget that a server is being worked on.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "appliance/config/model/config.hpp"
#include "core/base/address.hpp"
#include "core/base/duration.hpp"
#include "netfilter/model/fence.hpp"

namespace appliance::control {

struct FenceRecord {
    core::Address address;
    std::string server;  // by name as when it was fenced; empty for a fence found in the kernel that fits no server
    std::string pool;    // the pool asked for, or the first that has a backend at the address
    config::FenceMode mode = config::FenceMode::reset;
    std::string id;
    std::string who;
    std::string why;
    core::WallTime since{};
    std::optional<core::WallTime> until;  // by the wall clock; follows it when it is set
    netfilter::Scope scope = netfilter::Scope::fresh;
    std::optional<core::Milliseconds> lasts = std::nullopt;  // how long it was ordered for, where it has an end
    std::optional<std::int64_t> rollout = std::nullopt;      // the rollout that owns it; none: an operator does
    std::string others{};                                    // operators that have ordered it beside its owner, by name

    friend bool operator==(const FenceRecord&, const FenceRecord&) = default;
};

struct MaintenanceRecord {
    std::string pool;
    std::string message;
    std::string who;
    std::string why;
    core::WallTime since{};
    std::optional<core::WallTime> until;

    friend bool operator==(const MaintenanceRecord&, const MaintenanceRecord&) = default;
};

// A weight set by hand, in place of the configuration's.
struct WeightRecord {
    std::string pool;
    std::string server;
    unsigned weight = 1;  // 1 to 256
    std::string who;
    std::string why;
    core::WallTime since{};

    friend bool operator==(const WeightRecord&, const WeightRecord&) = default;
};

// Of a fence that the store no longer holds.
struct LiftedFence {
    std::optional<std::int64_t> rollout;
    std::string others{};

    friend bool operator==(const LiftedFence&, const LiftedFence&) = default;
};

struct Administration {
    // By address, as in the kernel: two pools that share a backend's address share its fence.
    std::map<core::Address, FenceRecord> fences;
    std::map<std::string, MaintenanceRecord> maintenance;                 // by pool
    std::map<std::pair<std::string, std::string>, WeightRecord> weights;  // by pool and server
    // By id: what the last stored change lifted. A crash may have come before the kernel's turn: a fence that stands
    // there with such an id is still its owner's. Empty from the first look at the kernel on.
    std::map<std::string, LiftedFence> lifted;

    friend bool operator==(const Administration&, const Administration&) = default;
};

}  // namespace appliance::control
