// The limit of open files (RLIMIT_NOFILE) of all processes of the daemon. Raised at the start; the start fails where it
// stays too low. Later, visitors would notice it.
#pragma once

#include <cstddef>

#include "appliance/config/model/config.hpp"
#include "core/base/result.hpp"

namespace appliance::boot {

// Sessions of one worker that a start must leave room for.
inline constexpr std::size_t sessions_least = 32;
// Where there is room for fewer than this (or than `sessions` under [limits]), the log says so.
inline constexpr std::size_t sessions_usual = 1024;

// Raises the limit of this process and its children as far as the system allows; as root beyond the hard limit, up to
// fs.nr_open. Never fails; see check_file_limit().
void raise_file_limit() noexcept;

// How many descriptors the proxy, which holds the most, needs for so many sessions of each worker.
std::size_t files_needed(const config::Config& config, std::size_t sessions) noexcept;
// The same for the smallest configuration, as long as none is known.
std::size_t files_needed() noexcept;

// Whether the process may hold so many. Error: the limit, how many are needed, and how to raise it.
core::Result<void> check_file_limit(std::size_t needed);

// How many sessions of each worker have room at once, where that is fewer than usual; 0: as many as usual.
std::size_t sessions_short(const config::Config& config) noexcept;

}  // namespace appliance::boot
