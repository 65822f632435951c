// Account: which user the processes may run as. They give up root's rights by becoming that user, so it must have no
// more rights than they need.
#pragma once

#include <sys/types.h>

#include <set>
#include <string>

#include "core/base/result.hpp"

namespace appliance::config {

// What is known of a user and of this system's users.
struct AccountFacts {
    std::string name;
    uid_t uid = 0;
    std::string shell;               // of the user; empty: /bin/sh (passwd(5))
    std::set<std::string> shells{};  // of /etc/shells: a user with one of these may log in
    uid_t uid_min = 1000;            // UID_MIN of /etc/login.defs: below it are the system's users
    uid_t asker = 0;  // the user that asks; not root: it runs everything as itself, so it may name itself
};

// Pure. Errors: it is uid 0, whatever its name; or a person's account: its number is UID_MIN or more, and its shell is
// one of /etc/shells.
core::Result<void> judge_account(const AccountFacts& facts);

// The same for a user of this system. Error also where there is no such user, with how to make it.
core::Result<void> check_account(const std::string& name);

}  // namespace appliance::config
