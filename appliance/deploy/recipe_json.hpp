// Recipes as JSON objects, as the API takes them and the ledger keeps them: the keys of [deploy.NAME], durations as in
// the file ("30s").
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "appliance/config/model/recipe.hpp"
#include "core/base/result.hpp"

namespace appliance::deploy {

nlohmann::json to_json(const config::Recipe& recipe);

// Puts the object's fields over those of recipe; keys that belong to no field are left alone. Error: the first field of
// the wrong type or out of its range.
core::Result<void> from_json(const nlohmann::json& object, config::Recipe& recipe);

}  // namespace appliance::deploy
