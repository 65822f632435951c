// Plans a deploy: checks an order against the configuration. Pure.
#pragma once

#include "appliance/config/model/config.hpp"
#include "appliance/deploy/conductor.hpp"

namespace appliance::deploy {

// The rollout that an order asks for, not begun. Refused. 400: a recipe that cannot be carried out. 404: no such pool
// or server. 409: the schema change or the number of servers forbids the plan.
Outcome<Rollout> plan(const config::Config& config, const Order& order);

// The rollout that undoes another one with that command, on every server that the other one has touched.
Rollout plan_rollback(const Rollout& undone, const Words& words, const std::string& command, bool rolling);

}  // namespace appliance::deploy
