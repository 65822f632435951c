// The Unix socket for operators. The supervisor makes it, so that a command waits while control restarts.
#pragma once

#include <filesystem>

#include "appliance/boot/confine/role.hpp"
#include "core/base/descriptor.hpp"
#include "core/base/result.hpp"

namespace appliance::boot {

// A listening socket at path, mode 0660, of that group; its folder is made where it is missing. A socket that a dead
// Gatehouse left behind is replaced. Errors: another Gatehouse answers there, another file has that name, or the folder
// cannot be written.
core::Result<core::base::Descriptor> open_control_socket(const std::filesystem::path& path, gid_t group);

// Makes the folder of control's durable state where it is missing, and gives it to the account. Only the last part of
// the path is made. The folder above must belong to root, this process's user or the account, and no other user may
// write there: the path comes from the file, and the supervisor has more rights than a writer of the file. Error: that
// cannot be done.
core::Result<void> prepare_state_folder(const std::filesystem::path& folder, const Account& account);

// Whether the account can keep the state there. Errors: as state::check_folder.
core::Result<void> check_state_folder(const std::filesystem::path& folder, const Account& account);

}  // namespace appliance::boot
