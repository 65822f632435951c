// Drops privileges: the first thing that every child does. libcap-ng stays behind privileges.cpp.
#pragma once

#include <string>

#include "appliance/boot/confine/role.hpp"
#include "core/base/result.hpp"

namespace appliance::boot {

// The account of that name. Errors: it does not exist, with how to make it; or it is root's or a person's
// (config::check_account).
core::Result<Account> find_account(const std::string& name);

// The group that may speak to the control socket: `gatehouse` where it exists, else the account's own.
gid_t operators_group(const Account& account);

// The account that the processes run as. Under root: the configured one. Else the user of this process, because it
// cannot change it. Error: as find_account's.
core::Result<Account> choose_account(const std::string& configured);

// Whether this process may be the supervisor: it has CAP_NET_ADMIN, as root has (and CAP_NET_BIND_SERVICE, where it
// listens on ports below 1024). Error: that it has not.
core::Result<void> check_privileges();

// Makes this process the account's: its user and group, no supplementary groups, an empty bounding set, no_new_privs.
// The fence helper keeps CAP_NET_ADMIN; no other capability stays. From here on the process dies with its parent
// (PR_SET_PDEATHSIG). Needs what check_privileges checks. A process that has the account already keeps its groups and
// its bounding set. For a process with one thread. Error: which step failed; the process must end then.
core::Result<void> drop_privileges(Role role, const Account& account);

}  // namespace appliance::boot
