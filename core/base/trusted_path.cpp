#include "core/base/trusted_path.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <deque>
#include <string>

namespace core::base {
namespace {

namespace fs = std::filesystem;

constexpr int links_max = 40;

Result<void> check_place(const fs::path& place, const struct stat& facts, uid_t user) {
    if (facts.st_uid != 0 && facts.st_uid != user) {
        return fail(fmt::format("{} belongs to uid {}", place.string(), facts.st_uid),
                    user == 0 ? "neither root's nor this process's" : "neither root's nor yours",
                    "put it where only these may write");
    }
    // A symbolic link has no permissions of its own, and a sticky folder protects its entries.
    const bool held = S_ISLNK(facts.st_mode) || (S_ISDIR(facts.st_mode) && (facts.st_mode & S_ISVTX) != 0);
    if (!held && (facts.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return fail(
            fmt::format("others than its owner may write {} {}", S_ISDIR(facts.st_mode) ? "in" : "to", place.string()),
            "", fmt::format("chmod go-w {}", place.string()));
    }
    return {};
}

}  // namespace

Result<void> check_trusted(const fs::path& path, uid_t user) {
    if (!path.is_absolute()) {
        return fail(fmt::format("'{}' is not an absolute path", path.string()), "", "begin it with '/'");
    }
    std::deque<fs::path> ahead(path.begin(), path.end());
    fs::path place = "/";
    for (int links = 0; !ahead.empty();) {
        const fs::path next = std::move(ahead.front());
        ahead.pop_front();
        if (next.empty() || next == ".") {
            continue;
        }
        const fs::path at = next == ".." ? place.parent_path() : next.is_absolute() ? fs::path("/") : place / next;
        struct stat facts {};
        if (::lstat(at.c_str(), &facts) != 0) {
            return fail_os(fmt::format("cannot find {}", at.string()), errno);
        }
        if (auto trusted = check_place(at, facts, user); !trusted) {
            return trusted;
        }
        if (!S_ISLNK(facts.st_mode)) {
            place = at;
            continue;
        }
        std::error_code error;
        const fs::path target = fs::read_symlink(at, error);
        if (error || ++links > links_max) {
            return fail_os(fmt::format("cannot follow {}", at.string()), error ? error.value() : ELOOP);
        }
        ahead.insert(ahead.begin(), target.begin(), target.end());
    }
    return {};
}

}  // namespace core::base
