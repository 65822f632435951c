// Remembered: what this user has let run on this machine. The user's rollout goes on, or is rolled back, without a
// second consent.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "appliance/cli/client/common.hpp"
#include "appliance/cli/deploy/permit.hpp"
#include "core/base/result.hpp"

namespace appliance::cli {

// The last rollout that this user has begun or gone on with at one daemon. Daemons have one rollout at a time, and undo
// only the last one: an earlier one never matters again, and its commands must not run as if it did.
struct Ordered {
    std::string daemon;
    std::int64_t rollout = 0;
    Permit permit;
};

// gatehouse/deploys.json under $XDG_STATE_HOME, or else under $HOME/.local/state. Empty where neither is an absolute
// path.
std::filesystem::path memory_file();

// The daemon that common names: host:port, or the absolute path of its socket.
std::string daemon_name(const Common& common);

// What is remembered of that daemon; nothing where that is nothing. Errors: the file is no regular one; file or folder
// is another user's, or another user can write it; the file is damaged; nothing can be kept there.
core::Result<std::optional<Ordered>> recall(const std::filesystem::path& file, const std::string& daemon);

// Keeps it in the place of what was known of that daemon, of the last 100 daemons in all. Makes the folders (0700) and
// the file (0600); a file that recall() refuses is begun anew. Errors: it cannot be written, or another process holds
// the folder for longer than a second.
core::Result<void> remember(const std::filesystem::path& file, const Ordered& ordered);

// What of it may run of the rollout, or the plan of a rollback, that the daemon shows: all where it is the same
// rollout, the rollback's commands where it undoes that one, else nothing. Pure.
Permit permit_for(const Ordered& ordered, const Json& seen);

}  // namespace appliance::cli
