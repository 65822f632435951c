#include "appliance/cli/check/try_as_user.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "appliance/base/bounded_json.hpp"
#include "appliance/config/file/load.hpp"
#include "appliance/config/values/text_file.hpp"
#include "core/base/descriptor.hpp"

namespace appliance::cli {
namespace {

namespace fs = std::filesystem;
using core::base::Descriptor;
using nlohmann::json;

fs::path folder_of_file(const fs::path& file) {
    return file.has_parent_path() ? file.parent_path() : fs::path(".");
}

bool may_read(const fs::path& path) {
    return ::faccessat(AT_FDCWD, path.c_str(), R_OK, AT_EACCESS) == 0;
}

// A guard reads these when it is asked, long after the start.
void try_guards(const config::Config& config, json& problems) {
    for (const config::Guard& guard : config.guards) {
        const std::string& source = guard.source.url;
        const bool is_file = !source.empty() && source.find("://") == std::string::npos;
        for (const fs::path& path : {guard.ca_file, is_file ? folder_of_file(config.file) / source : fs::path()}) {
            if (!path.empty() && !may_read(path)) {
                const int error = errno;
                json problem{
                    0, 0,
                    fmt::format("guard {}: cannot read '{}': {}", guard.name, path.string(), std::strerror(error))};
                if (error == ENOENT) {
                    problem.push_back("put the file there, or name another one");
                }
                problems.push_back(std::move(problem));
            }
        }
    }
}

// As the user. Each finding is [line, column, what]; one that is no matter of rights has what to do about it as well.
// Or the result is the one word "closed". ("confined" is the word of a root that may become no other user, as a unit
// without CAP_SETUID has it.)
json look(const config::Config& config, const std::string& text) {
    if (::faccessat(AT_FDCWD, folder_of_file(config.file).c_str(), X_OK, AT_EACCESS) != 0) {
        return "closed";
    }
    json problems = json::array();
    if (!may_read(config.file)) {
        problems.push_back({0, 0, "cannot read it: Permission denied"});
    }
    if (const auto loaded = config::parse(text, config.file); !loaded) {
        for (const config::Problem& problem : loaded.error()) {
            problems.push_back({problem.line, problem.column, problem.what});
        }
    }
    try_guards(config, problems);
    return problems;
}

// What control does, without the rest of its confinement.
bool become_user(const passwd& entry) {
    return ::setgroups(0, nullptr) == 0 && ::setgid(entry.pw_gid) == 0 && ::setuid(entry.pw_uid) == 0;
}

// In the child. Exceptions must not come back into the parent's code.
[[noreturn]] void answer_to(int out, const passwd& entry, const config::Config& config, const std::string& text) {
    std::string found;
    try {
        if (become_user(entry)) {
            found = look(config, text).dump(-1, ' ', false, json::error_handler_t::replace);
        } else if (errno == EPERM) {
            found = json("confined").dump();
        }
    } catch (const std::exception&) {
        found.clear();
    }
    const bool all = ::write(out, found.data(), found.size()) == static_cast<ssize_t>(found.size());
    ::_exit(all ? 0 : 1);
}

std::string read_all(int fd) {
    std::string all;
    char piece[4096];
    for (;;) {
        const ssize_t got = ::read(fd, piece, sizeof piece);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return all;
        }
        all.append(piece, static_cast<std::size_t>(got));
    }
}

std::string group_of(const std::string& user) {
    const passwd* const entry = ::getpwnam(user.c_str());
    const group* const found = entry == nullptr ? nullptr : ::getgrgid(entry->pw_gid);
    return found == nullptr ? user : found->gr_name;
}

Trying judge(const json& found, const config::Config& config) {
    const std::string user = config.proxy.user;
    if (found == "closed") {
        return {{},
                fmt::format("user {} cannot enter {}: put the file, and what it names, where that user can read it",
                            user, folder_of_file(config.file).string())};
    }
    if (found == "confined") {
        return {{}, fmt::format("not tried as user {}: this process may become no other user", user)};
    }
    Trying result;
    if (!found.is_array()) {
        result.problems.push_back(
            {config.file.string(), 0, 0, fmt::format("cannot try it as user {}", user), "try again"});
        return result;
    }
    for (const json& each : found) {
        result.problems.push_back({config.file.string(), each[0], each[1],
                                   fmt::format("as user {} of [proxy]: {}", user, each[2].get<std::string>()),
                                   each.size() > 3
                                       ? each[3].get<std::string>()
                                       : fmt::format("let group {} read it (chgrp, chmod g+r)", group_of(user))});
    }
    return result;
}

}  // namespace

Trying try_as_user(const config::Config& config) {
    const passwd* const entry = ::geteuid() == 0 ? ::getpwnam(config.proxy.user.c_str()) : nullptr;
    const auto text = config::read_text(config.file, config::Bounds::file_bytes);
    if (entry == nullptr || entry->pw_uid == 0 || !text) {
        return {};
    }
    int ends[2] = {-1, -1};
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        return judge(json(), config);
    }
    const Descriptor in(ends[0]);
    Descriptor out(ends[1]);
    const pid_t child = ::fork();
    if (child == 0) {
        answer_to(out.get(), *entry, config, *text);
    }
    out.reset();
    const std::string found = child > 0 ? read_all(in.get()) : std::string();
    if (child > 0) {
        ::waitpid(child, nullptr, 0);
    }
    return judge(base::parse_json(found, base::wide_bounds), config);
}

}  // namespace appliance::cli
