#include "appliance/config/values/named_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <deque>
#include <vector>

#include "appliance/config/values/text_file.hpp"
#include "core/base/descriptor.hpp"

namespace appliance::config {
namespace {

namespace fs = std::filesystem;
using core::base::Descriptor;

constexpr int links_max = 40;  // as the kernel

fs::path folder_or_here(const fs::path& folder) {
    return folder.empty() ? fs::path(".") : folder;
}

std::string cannot_read(const fs::path& folder, const fs::path& name) {
    return fmt::format("cannot read '{}'", (folder / name).string());
}

tl::unexpected<core::Error> outside(const fs::path& folder, const fs::path& name) {
    return core::fail(cannot_read(folder, name), fmt::format("it leads out of the folder of the configuration, {}",
                                                             folder_or_here(folder).string()));
}

// An absolute name of something in the folder is as good as a relative one.
core::Result<fs::path> relative_name(const fs::path& folder, const fs::path& name) {
    if (!name.is_absolute()) {
        return name;
    }
    std::error_code error;
    const fs::path within =
        name.lexically_normal().lexically_relative(fs::absolute(folder_or_here(folder), error).lexically_normal());
    if (error || within.empty() || *within.begin() == "..") {
        return outside(folder, name);
    }
    return within;
}

// One step at a time: each folder is held open, and no step follows a link by itself. So nothing changes between the
// look at a link and the step behind it.
core::Result<Descriptor> open_beneath(const fs::path& folder, const fs::path& name) {
    const std::string what = cannot_read(folder, name);
    std::vector<Descriptor> way;
    way.emplace_back(::open(folder_or_here(folder).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!way.back().valid()) {
        return core::fail_os(what, errno);
    }
    std::deque<fs::path> ahead(name.begin(), name.end());
    for (int links = 0; !ahead.empty();) {
        const fs::path next = std::move(ahead.front());
        ahead.pop_front();
        if (next.empty() || next == ".") {
            continue;
        }
        if (next.is_absolute() || (next == ".." && way.size() == 1)) {
            return outside(folder, name);
        }
        if (next == "..") {
            way.pop_back();
            continue;
        }
        std::array<char, PATH_MAX> target{};
        const ssize_t size = ::readlinkat(way.back().get(), next.c_str(), target.data(), target.size() - 1);
        if (size >= 0) {
            if (++links > links_max) {
                return core::fail_os(what, ELOOP);
            }
            const fs::path leads(std::string(target.data(), static_cast<std::size_t>(size)));
            ahead.insert(ahead.begin(), leads.begin(), leads.end());
            continue;
        }
        const bool last = ahead.empty();
        // O_NONBLOCK: opening a pipe without a writer must not hang a start or a reload.
        const int flags = last ? O_RDONLY | O_NONBLOCK | O_NOCTTY : O_PATH | O_DIRECTORY;
        way.emplace_back(::openat(way.back().get(), next.c_str(), flags | O_NOFOLLOW | O_CLOEXEC));
        if (!way.back().valid()) {
            return core::fail_os(what, errno);
        }
    }
    return std::move(way.back());
}

}  // namespace

core::Result<NamedFile> read_named(const fs::path& folder, const fs::path& name, Reach reach, std::size_t size_max) {
    const std::string what = cannot_read(folder, name);
    core::Result<Descriptor> file;
    if (name.is_absolute() && reach == Reach::absolute_anywhere) {
        Descriptor opened(::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
        file = opened.valid() ? core::Result<Descriptor>(std::move(opened)) : core::fail_os(what, errno);
    } else {
        file = relative_name(folder, name).and_then([&folder](const fs::path& path) {
            return open_beneath(folder, path);
        });
    }
    if (!file) {
        return tl::unexpected(std::move(file.error()));
    }
    struct stat facts {};
    if (::fstat(file->get(), &facts) != 0) {
        return core::fail_os(what, errno);
    }
    return read_text(*file, what, size_max).map([&facts](std::string bytes) {
        return NamedFile{std::move(bytes), {facts.st_dev, facts.st_ino}, facts.st_mode};
    });
}

core::Result<void> check_beneath(const fs::path& folder, const fs::path& name) {
    const auto path = relative_name(folder, name);
    if (!path) {
        return tl::unexpected(path.error());
    }
    const auto file = open_beneath(folder, *path);
    return file || file.error().os_error != 0 ? core::Result<void>() : tl::unexpected(file.error());
}

}  // namespace appliance::config
