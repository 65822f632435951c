// The way on which a deploy comes to one server by itself, past its fence. Pure.
#pragma once

#include <string>

#include "appliance/config/model/config.hpp"
#include "appliance/deploy/visit/visit.hpp"

namespace appliance::deploy {

// The visit of the pool's server, to its own port and to "/", as the recipe and the pool's check want it sent. Its
// address has port 0 where the pool has no such server. pool: one of config's.
Visit server_visit(const config::Config& config, const config::Pool& pool, const config::Recipe& recipe,
                   const std::string& server);

}  // namespace appliance::deploy
