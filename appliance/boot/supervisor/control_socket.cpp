#include "appliance/boot/supervisor/control_socket.hpp"

#include <fcntl.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "appliance/state/folder.hpp"

namespace appliance::boot {
namespace {

namespace fs = std::filesystem;
using core::base::Descriptor;

sockaddr_un name_of(const fs::path& path) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    std::strncpy(name.sun_path, path.c_str(), sizeof(name.sun_path) - 1);
    return name;
}

core::Result<void> make_folder(const fs::path& folder) {
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) {
        return core::fail_os("cannot make the folder " + folder.string(), error.value());
    }
    return {};
}

// A killed gatehouse's socket is open until the last thread of its last process has ended. A slow disk may delay that.
constexpr std::chrono::milliseconds dying_for{2000};
constexpr std::chrono::milliseconds dying_look{20};

// 0: a process listens there; otherwise connect's error.
int knock(const fs::path& path) {
    const Descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!probe.valid()) {
        return errno;
    }
    const sockaddr_un name = name_of(path);
    // EAGAIN is a full queue: a process listens there, and is busy.
    const bool listens = ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&name), sizeof(name)) == 0;
    return listens || errno == EAGAIN ? 0 : errno;
}

// Makes room for a new socket: removes one that no process listens on.
core::Result<void> clear(const fs::path& path) {
    struct stat facts {};
    if (::lstat(path.c_str(), &facts) != 0) {
        return {};
    }
    const std::string what = "cannot open the control socket " + path.string();
    if (!S_ISSOCK(facts.st_mode)) {
        return core::fail(what, "something else has that name", "set socket in [control]");
    }
    const auto give_up = std::chrono::steady_clock::now() + dying_for;
    int answer = knock(path);
    while (answer == 0 && std::chrono::steady_clock::now() < give_up) {
        std::this_thread::sleep_for(dying_look);
        answer = knock(path);
    }
    if (answer == 0) {
        return core::fail(what, "another gatehouse runs there", "stop it, or set socket in [control]");
    }
    if (answer != ECONNREFUSED) {
        return core::fail_os(what, answer);
    }
    if (::unlink(path.c_str()) != 0) {
        return core::fail_os(what, errno);
    }
    return {};
}

}  // namespace

core::Result<Descriptor> open_control_socket(const fs::path& path, gid_t group) {
    if (auto ready = make_folder(path.parent_path()).and_then([&] { return clear(path); }); !ready) {
        return tl::unexpected(std::move(ready.error()));
    }
    const std::string what = "cannot open the control socket " + path.string();
    Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const sockaddr_un name = name_of(path);
    // Made with its final mode: between bind and a later chmod any user could connect.
    const mode_t before = ::umask(0117);
    const bool bound =
        socket.valid() && ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof(name)) == 0;
    const int error = errno;
    ::umask(before);
    if (!bound) {
        return core::fail_os(what, error);
    }
    if (::chown(path.c_str(), static_cast<uid_t>(-1), group) != 0 || ::listen(socket.get(), SOMAXCONN) != 0) {
        const int refused = errno;
        ::unlink(path.c_str());
        return core::fail_os(what, refused);
    }
    return socket;
}

core::Result<void> prepare_state_folder(const fs::path& folder, const Account& account) {
    struct stat facts {};
    if (::stat(folder.c_str(), &facts) == 0 || errno != ENOENT) {
        return {};  // as the operator made it; the store reports what control cannot do with it
    }
    const std::string what = "cannot make the folder " + folder.string();
    const fs::path name = folder.has_filename() ? folder.filename() : folder.parent_path().filename();
    const fs::path above = folder.has_filename() ? folder.parent_path() : folder.parent_path().parent_path();
    const Descriptor parent(::open(above.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!parent.valid() || ::fstat(parent.get(), &facts) != 0) {
        return core::fail_os(what, errno, "make " + above.string() + " first, or name another one: [control] state");
    }
    const bool known = facts.st_uid == 0 || facts.st_uid == ::geteuid() || facts.st_uid == account.uid;
    const bool shared = (facts.st_mode & (S_IWGRP | S_IWOTH)) != 0 && (facts.st_mode & S_ISVTX) == 0;
    if (!known || shared) {
        return core::fail(what, "others may write in " + above.string(),
                          "make it by hand, for user " + account.name + ", or name another one: [control] state");
    }
    if (::mkdirat(parent.get(), name.c_str(), 0700) != 0) {
        return core::fail_os(what, errno);
    }
    const Descriptor made(::openat(parent.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!made.valid() || ::fchown(made.get(), account.uid, account.gid) != 0 || ::fchmod(made.get(), 0750) != 0) {
        return core::fail_os("cannot give the folder " + folder.string() + " to " + account.name, errno);
    }
    return {};
}

// Takes the account's file system identity meanwhile, for this thread alone.
core::Result<void> check_state_folder(const fs::path& folder, const Account& account) {
    const int group = ::setfsgid(account.gid);
    const int user = ::setfsuid(account.uid);
    auto found = state::check_folder(folder, account.uid);
    ::setfsuid(static_cast<uid_t>(user));
    ::setfsgid(static_cast<gid_t>(group));
    return found;
}

}  // namespace appliance::boot
