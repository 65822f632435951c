#include "appliance/boot/confine/privileges.hpp"

#include <cap-ng.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>

#include "appliance/boot/confine/sandbox.hpp"
#include "appliance/config/values/account.hpp"

namespace appliance::boot {
namespace {

// As where systemd starts it as that user, with the two capabilities that it needs.
bool is_already(const Account& account) {
    return ::geteuid() != 0 && ::geteuid() == account.uid && ::getegid() == account.gid;
}

int become(const Account& account) {
    const auto flags = static_cast<capng_flags_t>(CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING);
    return ::capng_change_id(static_cast<int>(account.uid), static_cast<int>(account.gid), flags);
}

// Only root can clear the bounding set; with no_new_privs it grants nothing.
int keep_only_chosen() {
    return ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 ? -errno : ::capng_apply(CAPNG_SELECT_CAPS);
}

}  // namespace

core::Result<Account> find_account(const std::string& name) {
    const core::Result<void> sound = config::check_account(name);
    errno = 0;
    const passwd* entry = ::getpwnam(name.c_str());
    if (entry == nullptr) {
        return core::fail("cannot run as user '" + name + "'", "there is no such user",
                          "make it with: useradd --system --user-group " + name + ", or set user in [proxy]");
    }
    return sound.map([&] { return Account{name, entry->pw_uid, entry->pw_gid}; });
}

gid_t operators_group(const Account& account) {
    const group* entry = ::getgrnam("gatehouse");
    return entry != nullptr ? entry->gr_gid : account.gid;
}

core::Result<Account> choose_account(const std::string& configured) {
    if (::geteuid() == 0) {
        return find_account(configured);
    }
    const passwd* entry = ::getpwuid(::geteuid());
    return Account{entry != nullptr ? entry->pw_name : std::to_string(::geteuid()), ::geteuid(), ::getegid()};
}

core::Result<void> check_privileges() {
    if (::capng_get_caps_process() != 0 || ::capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_ADMIN) == 0) {
        return core::fail(
            "cannot run", "neither root nor with CAP_NET_ADMIN",
            "start it as root, whose rights its processes give up, or with that capability in the ambient set");
    }
    return {};
}

core::Result<void> drop_privileges(Role role, const Account& account) {
    ::capng_clear(CAPNG_SELECT_ALL);
    if (role == Role::fence) {
        // The one capability that a netlink socket for nftables needs.
        ::capng_update(CAPNG_ADD, static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED), CAP_NET_ADMIN);
    }
    const int changed = is_already(account) ? keep_only_chosen() : become(account);
    if (changed != 0) {
        return core::fail("cannot become user '" + account.name + "'", "libcap-ng says " + std::to_string(changed),
                          "start gatehouse as root, with CAP_SETUID, CAP_SETGID and CAP_SETPCAP in the bounding set");
    }
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return core::fail_os("cannot set no_new_privs", errno);
    }
    // After the change of user, which clears it (prctl(2)). Without a supervisor nothing manages the listening sockets
    // that a child holds.
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) {
        return core::fail_os("cannot tie the process to its supervisor", errno);
    }
    // A change of user has done this already. The leak check of a sanitized build attaches to its own process.
    ::prctl(PR_SET_DUMPABLE, sanitized() ? 1 : 0, 0, 0, 0);
    return {};
}

}  // namespace appliance::boot
