// Reading orders from the bodies of API requests. Pure. Refusals are 400 and name the field.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "appliance/api/server.hpp"
#include "appliance/control/model/order.hpp"
#include "appliance/control/model/refusal.hpp"

namespace appliance::control {

struct Words {
    std::string who;
    std::string why;
    std::string acts_for{};  // the person that a remote caller names, unchecked; empty: none
};

// The log and the tables would cut texts that are longer than people type: better refused now.
inline constexpr std::size_t words_max = 1'000;  // bytes of why and message
inline constexpr std::size_t servers_max = 1'024;

// The author is the peer's name, and the person that it says it acts for: root through sudo is "ann (root)". Only root
// is believed; what a remote caller says is kept apart.
Outcome<Words> read_words(const nlohmann::json& body, const api::Peer& peer);
Outcome<FenceOrder> read_fence(const nlohmann::json& body, const api::Peer& peer);
Outcome<UnfenceOrder> read_unfence(const nlohmann::json& body, const api::Peer& peer);
Outcome<MaintenanceOrder> read_maintenance(const nlohmann::json& body, const api::Peer& peer);
Outcome<WeightOrder> read_weight(const nlohmann::json& body, const api::Peer& peer);

}  // namespace appliance::control
