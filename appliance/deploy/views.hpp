// Rollouts as JSON, for the API. Pure.
#pragma once

#include <nlohmann/json.hpp>

#include "appliance/deploy/ledger.hpp"
#include "appliance/deploy/rollout.hpp"

namespace appliance::deploy {

nlohmann::ordered_json view_rollout(const Rollout& rollout);
// The same without steps and recipe.
nlohmann::ordered_json view_summary(const Rollout& rollout);
nlohmann::ordered_json view_entry(const Entry& entry);

}  // namespace appliance::deploy
