#include "appliance/state/folder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

namespace appliance::state {
namespace {

std::string user_name(uid_t uid) {
    passwd entry{};
    passwd* found = nullptr;
    std::array<char, 4096> buffer{};
    if (::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) {
        return found->pw_name;
    }
    return fmt::format("uid {}", uid);
}

}  // namespace

core::Result<void> check_folder(const std::filesystem::path& folder, uid_t user) {
    const std::string what = "cannot keep the state in " + folder.string();
    struct stat status {};
    if (::stat(folder.c_str(), &status) != 0) {
        return core::fail_os(what, errno, "make the folder, or name another one: [control] state");
    }
    if (!S_ISDIR(status.st_mode)) {
        return core::fail(what, "it is no folder", "move it away, or name another folder: [control] state");
    }
    struct statvfs room {};
    if (::statvfs(folder.c_str(), &room) != 0) {
        return core::fail_os(what, errno);
    }
    if ((room.f_flag & ST_RDONLY) != 0) {
        return core::fail(what, "its file system is read-only", "mount it for writing");
    }
    if (::faccessat(AT_FDCWD, folder.c_str(), R_OK | W_OK | X_OK, AT_EACCESS) != 0) {
        const std::string name = user_name(user);
        return core::fail(what, fmt::format("{} owns it, and {} may not write there", user_name(status.st_uid), name),
                          fmt::format("chown {} {}", name, folder.string()));
    }
    if (room.f_bavail * room.f_frsize < folder_room_least) {
        return core::fail(what, "the file system is full", "make room there");
    }
    return {};
}

}  // namespace appliance::state
