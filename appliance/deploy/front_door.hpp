// The way on which a visitor comes to a pool. Pure.
#pragma once

#include <optional>
#include <string>

#include "appliance/config/config.hpp"
#include "appliance/deploy/visit.hpp"

namespace appliance::deploy {

struct FrontDoor {
    std::string listener;
    Visit visit;
};

// What a visitor is taken to ask for: what is verified, or where that is on another port, what warms up.
const std::string& front_path(const config::Recipe& recipe);

// The first HTTP listener that sends the recipe's front_path to its pool, by its routes or without. Nothing: there is
// none, or it expects a PROXY header.
std::optional<FrontDoor> find_front_door(const config::Config& config, const config::Recipe& recipe);

// Whether a pool's servers are spoken to in HTTP: by visitors or by checks.
bool speaks_http(const config::Config& config, const config::Pool& pool);

}  // namespace appliance::deploy
