// The file half of the sandbox, through raw system calls: Debian 12 has no library for Landlock. Its kernel headers
// stop at version 2 of the interface, so the newer bits stand here (linux/landlock.h of 6.7).
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "appliance/boot/confine/sandbox.hpp"
#include "core/base/descriptor.hpp"

namespace appliance::boot {
namespace {

using core::base::Descriptor;

constexpr std::uint64_t rights_v1 = (1ULL << 13) - 1;  // execute to make_sym: kernel 5.13
constexpr std::uint64_t right_refer = 1ULL << 13;      // 5.19
constexpr std::uint64_t right_truncate = 1ULL << 14;   // 6.2
constexpr std::uint64_t right_ioctl = 1ULL << 15;      // 6.10, of devices
constexpr std::uint64_t right_bind_tcp = 1ULL << 0;    // 6.7
constexpr std::uint64_t scope_abstract = 1ULL << 0;    // 6.12: abstract Unix sockets of others
constexpr std::uint64_t scope_signals = 1ULL << 1;     // 6.12: signals to others, by whatever way

struct RulesetAttributes {
    std::uint64_t files = 0;
    std::uint64_t network = 0;  // since version 4; shorter before
    std::uint64_t scopes = 0;   // since version 6
};

std::size_t known_size(long version) {
    return version >= 6 ? sizeof(RulesetAttributes) : (version >= 4 ? 2 : 1) * sizeof(std::uint64_t);
}

std::uint64_t known_rights(long version) {
    return rights_v1 | (version >= 2 ? right_refer : 0) | (version >= 3 ? right_truncate : 0) |
           (version >= 5 ? right_ioctl : 0);
}

core::Result<void> allow(int ruleset, const char* path, std::uint64_t rights) {
    const Descriptor folder(::open(path, O_PATH | O_CLOEXEC));
    if (!folder.valid()) {
        return core::fail_os(std::string("cannot open ") + path, errno);
    }
    landlock_path_beneath_attr rule{};
    rule.allowed_access = rights;
    rule.parent_fd = folder.get();
    if (::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0) {
        return core::fail_os(std::string("cannot allow ") + path, errno);
    }
    return {};
}

// Allows port 0: a connection with a chosen source address, and a port that the kernel chooses (linux/landlock.h).
core::Result<void> allow_any_port(int ruleset) {
    constexpr int rule_network_port = 2;
    const struct {
        std::uint64_t rights = right_bind_tcp;
        std::uint64_t port = 0;
    } rule;
    if (::syscall(SYS_landlock_add_rule, ruleset, rule_network_port, &rule, 0) != 0) {
        return core::fail_os("cannot allow connections from an address", errno);
    }
    return {};
}

// Control reads its configuration, which may be anywhere, and the user database. It writes in the state's folder
// (SQLite) and in the configuration's (`config apply`).
core::Result<void> allow_control(int ruleset, long version, const std::vector<std::filesystem::path>& folders) {
    const std::uint64_t read = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
    const std::uint64_t write = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |
                                LANDLOCK_ACCESS_FS_REMOVE_FILE | (version >= 3 ? right_truncate : 0);
    auto done = allow(ruleset, "/", read);
    for (const std::filesystem::path& folder : folders) {
        std::error_code ignored;
        // The store reports a missing state folder. Allowing the root folder would allow all files.
        if (done && std::filesystem::is_directory(folder, ignored) &&
            !std::filesystem::equivalent(folder, "/", ignored)) {
            done = allow(ruleset, folder.c_str(), read | write);
        }
    }
    return done;
}

}  // namespace

core::Result<void> restrict_files(Role role, const std::vector<std::filesystem::path>& folders) {
    const long version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 1) {
        return {};
    }
    RulesetAttributes attributes{
        .files = known_rights(version), .network = 0, .scopes = scope_abstract | scope_signals};
    if (version >= 4 && (role == Role::proxy || role == Role::control)) {
        attributes.network = right_bind_tcp;
    }
    const Descriptor ruleset(
        static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, known_size(version), 0)));
    if (!ruleset.valid()) {
        return core::fail_os("cannot make the Landlock rules", errno);
    }
    if (attributes.network != 0) {
        if (auto done = allow_any_port(ruleset.get()); !done) {
            return done;
        }
    }
    if (role == Role::control) {
        if (auto done = allow_control(ruleset.get(), version, folders); !done) {
            return done;
        }
    }
    if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) {
        return core::fail_os("cannot enter the Landlock rules", errno);
    }
    return {};
}

}  // namespace appliance::boot
