#include "appliance/boot/process/file_limit.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <fstream>

#include "appliance/control/link/messages.hpp"
#include "appliance/control/model/workers.hpp"

namespace appliance::boot {
namespace {

// More than the workers and sessions of any machine need.
constexpr rlim_t files_wanted = 1 << 20;

// The proxy's fixed need: its standard descriptors, its link, the monitor's ring, and those of libraries.
constexpr std::size_t of_process = 32;
// Of a worker: its ring, its mailbox, and a few pipes.
constexpr std::size_t of_worker = 16;
// A session has a connection to its client and one to a server.
constexpr std::size_t of_session = 2;
// A backend has a probe, and a socket that waits for the next one.
constexpr std::size_t of_backend = 2;

std::size_t count(std::size_t workers, std::size_t listeners, std::size_t backends, std::size_t sessions) noexcept {
    return of_process + backends * of_backend + workers * (of_worker + listeners + sessions * of_session);
}

rlim_t current() noexcept {
    rlimit limit{};
    return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : RLIM_INFINITY;
}

// The limit for root too.
rlim_t system_limit() {
    std::ifstream file("/proc/sys/fs/nr_open");
    rlim_t limit = 0;
    return file >> limit ? limit : files_wanted;
}

}  // namespace

void raise_file_limit() noexcept {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return;
    }
    const rlim_t most = std::min(std::max(files_wanted, limit.rlim_max), system_limit());
    const rlimit wish{std::min(files_wanted, most), most};
    if (::setrlimit(RLIMIT_NOFILE, &wish) != 0) {
        limit.rlim_max = std::min(limit.rlim_max, most);
        limit.rlim_cur = limit.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &limit);
    }
}

std::size_t files_needed(const config::Config& config, std::size_t sessions) noexcept {
    const auto probes = control::most_probes(config);
    return count(control::worker_count(config), config.listeners.size(), probes.v4 + probes.v6, sessions);
}

std::size_t files_needed() noexcept {
    return count(1, 1, 1, sessions_least);
}

core::Result<void> check_file_limit(std::size_t needed) {
    const rlim_t limit = current();
    if (limit >= needed) {
        return {};
    }
    return core::fail("cannot start",
                      fmt::format("the limit of open files (RLIMIT_NOFILE) is {}, and at least {} are needed for its "
                                  "workers, listeners and servers",
                                  limit, needed),
                      "raise it: LimitNOFILE=1048576 in the unit, ulimit -n 1048576 in a shell, --ulimit nofile= of a "
                      "container");
}

std::size_t sessions_short(const config::Config& config) noexcept {
    const std::size_t usual = std::min<std::size_t>(config.limits.sessions, sessions_usual);
    const rlim_t limit = current();
    if (limit >= files_needed(config, usual)) {
        return 0;
    }
    const std::size_t fixed = files_needed(config, 0);
    const std::size_t room = limit > fixed ? (limit - fixed) / of_session / control::worker_count(config) : 0;
    return std::max<std::size_t>(room, 1);
}

}  // namespace appliance::boot
