// Whether the daemon's processes can read what a configuration names: by trying it as their user. `check` may be root,
// control is not.
#pragma once

#include <string>

#include "appliance/config/file/problem.hpp"
#include "appliance/config/model/config.hpp"

namespace appliance::cli {

struct Trying {
    config::Problems problems;  // what that user meets and root does not
    // A file in a folder that is closed to the user, as a draft in root's home is; or that nothing was tried, because
    // this process may become no other user.
    std::string warning;
};

// config: as root has loaded it. Nothing where we are not root, its user is root, or does not exist. Forks; for a
// process with one thread. A child that fails otherwise is a problem.
Trying try_as_user(const config::Config& config);

}  // namespace appliance::cli
