#include "appliance/cli/deploy/remembered.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "appliance/base/bounded_json.hpp"
#include "appliance/cli/terminal/new_file.hpp"
#include "appliance/config/values/text_file.hpp"
#include "core/base/descriptor.hpp"

namespace appliance::cli {
namespace {

namespace fs = std::filesystem;
using core::base::Descriptor;

constexpr std::size_t daemons_max = 100;
constexpr base::JsonBounds file_bounds{std::size_t{4} << 20, 8, 100'000};
constexpr std::chrono::milliseconds lock_patience{1'000};
constexpr std::chrono::milliseconds lock_pause{10};

tl::unexpected<core::Error> forget(std::string why, std::string mend) {
    return core::fail("what you have ordered before is not remembered", std::move(why), std::move(mend));
}

tl::unexpected<core::Error> forget(const fs::path& place, int error) {
    return forget(core::fail_os(place.string(), error).value().line(), std::string());
}

// Another user could move a file of this user's, with other content, into a folder that others can write.
core::Result<void> check_own(const Descriptor& opened, const fs::path& place) {
    struct stat facts {};
    if (::fstat(opened.get(), &facts) != 0) {
        return forget(place, errno);
    }
    if (facts.st_uid != ::geteuid()) {
        return forget(fmt::format("{} belongs to uid {}", place.string(), facts.st_uid), "remove it");
    }
    if ((facts.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return forget(fmt::format("others than you may write {}", place.string()),
                      fmt::format("chmod go-w {}", place.string()));
    }
    return {};
}

core::Result<Descriptor> open_own(const fs::path& place, int flags) {
    Descriptor opened(::open(place.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | flags));
    if (!opened.valid()) {
        return forget(place, errno);
    }
    return check_own(opened, place).map([&opened] { return std::move(opened); });
}

// The folder of the file, or of what is there of its way.
core::Result<void> check_writable(fs::path folder) {
    while (::faccessat(AT_FDCWD, folder.c_str(), F_OK, AT_EACCESS) != 0 && folder.has_relative_path()) {
        folder = folder.parent_path();
    }
    return ::faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) == 0 ? core::Result<void>()
                                                                               : forget(folder, errno);
}

std::optional<Ordered> read_ordered(const Json& entry) {
    const auto template_of = [&entry](const char* key) {
        return field(entry, key).is_string() ? std::optional(text(entry, key)) : std::nullopt;
    };
    auto accepted = commands_in(entry);
    Ordered ordered{text(entry, "daemon"), number(entry, "rollout"),
                    Permit(OwnCommands{template_of("run"), template_of("rollback")})};
    if (ordered.daemon.empty() || ordered.rollout <= 0 || !accepted) {
        return std::nullopt;
    }
    ordered.permit.accept(std::move(*accepted));
    return ordered;
}

Json write_ordered(const Ordered& ordered) {
    Json entry{{"daemon", ordered.daemon}, {"rollout", ordered.rollout}, {"commands", Json::array()}};
    const OwnCommands& own = ordered.permit.own();
    for (const auto& [key, value] : {std::pair{"run", &own.run}, std::pair{"rollback", &own.rollback}}) {
        if (*value) {
            entry[key] = **value;
        }
    }
    for (const config::ServerCommand& command : ordered.permit.accepted()) {
        entry["commands"].push_back({{"purpose", config::print(command.purpose)},
                                     {"server", command.server},
                                     {"host", command.host},
                                     {"port", command.port},
                                     {"command", command.text},
                                     {"source", command.source}});
    }
    return entry;
}

// Oldest first.
core::Result<std::vector<Ordered>> read_all(const fs::path& file) {
    const auto folder = open_own(file.parent_path(), O_DIRECTORY);
    const auto opened = folder ? open_own(file, 0) : tl::unexpected(folder.error());
    if (!opened) {
        return tl::unexpected(opened.error());
    }
    const auto damaged = [&file](const std::string& why) { return forget(why, "remove " + file.string()); };
    const auto bytes = config::read_text(*opened, "cannot read " + file.string(), file_bounds.bytes);
    if (!bytes) {
        return damaged(bytes.error().line());
    }
    const Json whole = base::parse_json<Json>(*bytes, file_bounds);
    if (!field(whole, "deploys").is_array()) {
        return damaged(file.string() + " is damaged");
    }
    std::vector<Ordered> all;
    for (const Json& entry : items(whole, "deploys")) {
        auto ordered = read_ordered(entry);
        if (!ordered) {
            return damaged(file.string() + " is damaged");
        }
        all.push_back(std::move(*ordered));
    }
    return all;
}

// The newest ones that there is room for. Error: there is none for the last one.
core::Result<std::string> print_all(std::vector<Ordered> all) {
    for (auto first = all.begin() + static_cast<std::ptrdiff_t>(all.size() - std::min(all.size(), daemons_max));
         first != all.end(); ++first) {
        Json list = Json::array();
        std::transform(first, all.end(), std::back_inserter(list), write_ordered);
        std::string printed = Json{{"deploys", std::move(list)}}.dump(1, ' ', false, Json::error_handler_t::replace);
        if (base::check_bounds(printed, file_bounds)) {
            return printed;
        }
    }
    return forget("its commands are too many", std::string());
}

core::Result<void> make_folder(const fs::path& folder) {
    fs::path place;
    for (const fs::path& part : folder) {
        place /= part;
        if (::mkdir(place.c_str(), 0700) != 0 && errno != EEXIST && !fs::exists(place)) {
            return forget(place, errno);
        }
    }
    return {};
}

// Two command lines that begin at once must not write over each other's words. Held until the folder is closed.
core::Result<Descriptor> lock_folder(const fs::path& folder) {
    auto opened = make_folder(folder).and_then([&folder] { return open_own(folder, O_DIRECTORY); });
    const auto deadline = std::chrono::steady_clock::now() + lock_patience;
    while (opened && ::flock(opened->get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK || std::chrono::steady_clock::now() >= deadline) {
            return forget(folder, errno);
        }
        std::this_thread::sleep_for(lock_pause);
    }
    return opened;
}

tl::unexpected<core::Error> forget_all() {
    return forget("neither XDG_STATE_HOME nor HOME is an absolute path", "set HOME");
}

}  // namespace

fs::path memory_file() {
    for (const auto& [name, below] : {std::pair{"XDG_STATE_HOME", ""}, std::pair{"HOME", ".local/state"}}) {
        const char* const value = std::getenv(name);
        if (value != nullptr && fs::path(value).is_absolute()) {
            return (fs::path(value) / below / "gatehouse/deploys.json").lexically_normal();
        }
    }
    return {};
}

std::string daemon_name(const Common& common) {
    if (common.remote) {
        return common.remote->text();
    }
    std::error_code error;
    const fs::path whole = fs::absolute(common.socket, error);
    return error ? common.socket : whole.lexically_normal().string();
}

core::Result<std::optional<Ordered>> recall(const fs::path& file, const std::string& daemon) {
    if (file.empty()) {
        return forget_all();
    }
    std::vector<Ordered> all;
    if (struct stat facts{}; ::lstat(file.c_str(), &facts) == 0 || errno != ENOENT) {
        auto read = read_all(file);
        if (!read) {
            return tl::unexpected(std::move(read.error()));
        }
        all = std::move(*read);
    }
    const auto found =
        std::find_if(all.begin(), all.end(), [&daemon](const Ordered& ordered) { return ordered.daemon == daemon; });
    if (found != all.end()) {
        return std::optional(std::move(*found));
    }
    return check_writable(file.parent_path()).map([] { return std::optional<Ordered>(); });
}

core::Result<void> remember(const fs::path& file, const Ordered& ordered) {
    if (file.empty()) {
        return forget_all();
    }
    const auto folder = lock_folder(file.parent_path());
    if (!folder) {
        return tl::unexpected(folder.error());
    }
    std::vector<Ordered> all = read_all(file).value_or(std::vector<Ordered>());
    all.erase(std::remove_if(all.begin(), all.end(),
                             [&ordered](const Ordered& other) { return other.daemon == ordered.daemon; }),
              all.end());
    all.push_back(ordered);
    const std::string fresh = file.string() + ".new";
    ::unlink(fresh.c_str());
    return print_all(std::move(all))
        .and_then([&fresh](const std::string& text) { return write_new_file(fresh, text, {}); })
        .and_then([&]() -> core::Result<void> {
            if (std::rename(fresh.c_str(), file.c_str()) != 0) {
                return forget(file, errno);
            }
            return {};
        });
}

Permit permit_for(const Ordered& ordered, const Json& seen) {
    if (number(seen, "id") == ordered.rollout) {
        return ordered.permit;
    }
    return text(seen, "strategy") == "rollback" && number(seen, "undoes") == ordered.rollout ? ordered.permit.undoing()
                                                                                             : Permit();
}

}  // namespace appliance::cli
