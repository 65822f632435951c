#include "appliance/control/state/configuration_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include "appliance/config/model/config.hpp"
#include "appliance/config/values/text_file.hpp"
#include "core/base/descriptor.hpp"

namespace appliance::control {
namespace {

namespace fs = std::filesystem;
using core::base::Descriptor;

fs::path beside(const fs::path& path, std::string_view ending) {
    fs::path other = path;
    other += ending;
    return other;
}

std::string name_of(gid_t gid) {
    ::group entry{};
    ::group* found = nullptr;
    std::array<char, 16'384> room{};
    const bool known = ::getgrgid_r(gid, &entry, room.data(), room.size(), &found) == 0 && found != nullptr;
    return known ? found->gr_name : std::to_string(gid);
}

// Root of that machine has to mend it; the caller may be far away.
tl::unexpected<core::Error> fail_to_write(const fs::path& path, int os_error) {
    const std::string folder = ConfigurationFile::folder_of(path).string();
    std::string mend;
    if (os_error == EACCES || os_error == EPERM) {
        const std::string group = name_of(::getegid());
        mend = fmt::format("let group {} write there (chgrp {} {}; chmod g+w {}), or change the file there and reload",
                           group, group, folder, folder);
    } else if (os_error == EROFS) {
        mend = fmt::format("is {} in ReadWritePaths= of its unit? or change the file there and reload", folder);
    } else {
        mend = "nothing has changed";
    }
    return core::fail_os(fmt::format("cannot write in {}", folder), os_error, std::move(mend));
}

bool write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t count = ::write(fd, text.data(), text.size());
        if (count < 0 && errno != EINTR) {
            return false;
        }
        text.remove_prefix(count < 0 ? 0 : static_cast<std::size_t>(count));
    }
    return true;
}

// A group that we are not in cannot be given to a file. That matters where the group has other rights than all users.
core::Result<void> keep_group(int fd, const fs::path& path, const struct stat& like) {
    if (::fchown(fd, static_cast<uid_t>(-1), like.st_gid) == 0 || (like.st_mode >> 3U & 7U) == (like.st_mode & 7U)) {
        return {};
    }
    return core::fail(fmt::format("cannot keep the group {} of {}", name_of(like.st_gid), path.string()),
                      "the control process is not in it",
                      fmt::format("make it chgrp {} {}", name_of(::getegid()), path.string()));
}

// A new file, on the disk when this returns.
core::Result<void> write_like(const fs::path& path, std::string_view text, const struct stat& like,
                              const fs::path& original) {
    ::unlink(path.c_str());
    const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file.valid()) {
        return fail_to_write(path, errno);
    }
    auto done = keep_group(file.get(), original, like);
    if (done &&
        (::fchmod(file.get(), like.st_mode & 0777U) != 0 || !write_all(file.get(), text) || ::fsync(file.get()) != 0)) {
        done = fail_to_write(path, errno);
    }
    if (!done) {
        ::unlink(path.c_str());
    }
    return done;
}

}  // namespace

ConfigurationFile::ConfigurationFile(fs::path path)
    : path_(std::move(path)),
      previous_(beside(path_, ".previous")),
      fresh_(beside(path_, ".new")),
      aside_(beside(path_, ".aside")) {}

fs::path ConfigurationFile::folder_of(const fs::path& file) {
    return file.has_parent_path() ? file.parent_path() : fs::path(".");
}

core::Result<std::string> ConfigurationFile::text() const {
    return config::read_text(path_, config::Bounds::file_bytes);
}

core::Result<std::optional<std::string>> ConfigurationFile::previous() const {
    auto text = config::read_text(previous_, config::Bounds::file_bytes);
    if (!text && text.error().os_error == ENOENT) {
        return std::optional<std::string>();
    }
    return std::move(text).map([](std::string found) { return std::optional(std::move(found)); });
}

core::Result<void> ConfigurationFile::replace(std::string_view text) {
    recover();
    struct stat entry {};
    if (::lstat(path_.c_str(), &entry) != 0) {
        return core::fail_os(fmt::format("cannot replace {}", path_.string()), errno, "put it back, or start anew");
    }
    if (S_ISLNK(entry.st_mode)) {
        return core::fail(fmt::format("cannot replace {}", path_.string()), "it is a link to another file",
                          "start gatehouse with -c and that file");
    }
    const auto old = this->text();
    if (!old) {
        return tl::unexpected(old.error());
    }
    auto done = write_like(fresh_, text, entry, path_)
                    .and_then([&] { return write_like(aside_, *old, entry, path_); })
                    .and_then([&] { return rename(fresh_, path_); });
    if (!done && ::unlink(fresh_.c_str()) == 0) {
        ::unlink(aside_.c_str());
    } else if (!done) {
        std::rename(aside_.c_str(), path_.c_str());  // it was in its place, but is not known to be on the disk
    }
    return done;
}

core::Result<void> ConfigurationFile::try_writing() const {
    struct stat entry {};
    if (::lstat(path_.c_str(), &entry) != 0) {
        return core::fail_os(fmt::format("cannot replace {}", path_.string()), errno, "put it back, or start anew");
    }
    auto done = write_like(fresh_, "", entry, path_);
    if (done) {
        ::unlink(fresh_.c_str());
    }
    return done;
}

core::Result<void> ConfigurationFile::keep() {
    return rename(aside_, previous_);
}

core::Result<void> ConfigurationFile::take_back() {
    return rename(aside_, path_);
}

// What is set aside differs from the file exactly when the file was replaced.
void ConfigurationFile::recover() {
    const auto aside = config::read_text(aside_, config::Bounds::file_bytes);
    const auto now = text();
    if (aside && now && *aside != *now) {
        static_cast<void>(keep());
    } else if (aside && now) {
        ::unlink(aside_.c_str());
    }
}

core::Result<void> ConfigurationFile::rename(const fs::path& from, const fs::path& to) const {
    const Descriptor folder(::open(folder_of(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder.valid() || std::rename(from.c_str(), to.c_str()) != 0 || ::fsync(folder.get()) != 0) {
        return fail_to_write(to, errno);
    }
    return {};
}

}  // namespace appliance::control
