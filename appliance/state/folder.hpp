// The state folder: whether the process that asks can keep something there.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>

#include "core/base/result.hpp"

namespace appliance::state {

// Less room than this cannot hold a commit and what SQLite keeps beside it.
inline constexpr std::uintmax_t folder_room_least = std::uintmax_t{256} << 10;

// Writes nothing. Errors, each with what to do: the folder is gone, is no folder, is not writable for this thread's
// file system user, is on a read-only file system, or has no room. user: that user's id, for the words of an error.
core::Result<void> check_folder(const std::filesystem::path& folder, uid_t user);

}  // namespace appliance::state
