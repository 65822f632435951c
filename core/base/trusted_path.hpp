// TrustedPath: whether only root and one user can have put a file where it is.
#pragma once

#include <sys/types.h>

#include <filesystem>

#include "core/base/result.hpp"

namespace core::base {

// Follows the path from the root, link by link, as the kernel would (40 links at most). Each folder and link on the
// way, and the file itself, must belong to root or to the user. No other user may write to them. A folder with the
// sticky bit may be writable, because its entries can be replaced by their owners only. path: absolute; its target is
// no link. Error: the first place that breaks this, with what to do about it; or the path leads nowhere. Changes by
// root or the user during the check are not noticed.
Result<void> check_trusted(const std::filesystem::path& path, uid_t user);

}  // namespace core::base
