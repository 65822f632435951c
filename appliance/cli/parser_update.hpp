// `gatehouse update`: the versions of the appliance's image.
#pragma once

#include "appliance/cli/options.hpp"

namespace CLI {
class App;
}

namespace appliance::cli {

void add_update(CLI::App& app, Options& options);

}  // namespace appliance::cli
