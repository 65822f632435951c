// The listener and request by which a visitor reaches a pool. Pure.
#pragma once

#include <optional>
#include <string>

#include "appliance/config/model/config.hpp"
#include "appliance/deploy/visit/visit.hpp"

namespace appliance::deploy {

struct FrontDoor {
    std::string listener;
    Visit visit;
};

// The path of a visitor's request: the verified one; where that is on another port, the warming one.
const std::string& front_path(const config::Recipe& recipe);

// The first HTTP listener that sends the recipe's front_path to its pool, by its routes or without. Nothing: there is
// none, or it expects a PROXY header.
std::optional<FrontDoor> find_front_door(const config::Config& config, const config::Recipe& recipe);

// Whether a pool's servers get HTTP requests, of visitors or of checks.
bool speaks_http(const config::Config& config, const config::Pool& pool);

}  // namespace appliance::deploy
