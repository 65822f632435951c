// The operator that gives the command, as far as the process can say: a claim. Where the daemon acts, it asks the
// kernel.
#pragma once

#include <string>

namespace appliance::cli {

// The user behind sudo ($SUDO_USER), else $USER, else the login name that belongs to the user id; empty when it has
// none.
std::string operator_name();

}  // namespace appliance::cli
