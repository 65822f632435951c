// `gatehouse token`: makes a bearer token for the API on TCP.
#pragma once

#include "appliance/cli/options.hpp"
#include "appliance/cli/outcome.hpp"

namespace appliance::cli {

// 256 random bits. With a token file in options the token is written there, into a new file that only its owner can
// read; else it is part of what is printed. Asks no daemon.
Outcome make_token(const Options& options);

}  // namespace appliance::cli
