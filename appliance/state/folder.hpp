// The state folder: whether the process that asks can keep something there.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>

#include "core/base/result.hpp"

namespace appliance::state {

// Less room than this cannot hold a commit and what SQLite keeps beside it.
inline constexpr std::uintmax_t folder_room_least = std::uintmax_t{256} << 10;

// Writes nothing. user: the id of this thread's file system user, for the words of an error. Errors, each with what to
// do: the folder is gone, is no folder, is not writable for that user, is on a read-only file system, or has no room.
core::Result<void> check_folder(const std::filesystem::path& folder, uid_t user);

}  // namespace appliance::state
