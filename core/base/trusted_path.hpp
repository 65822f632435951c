// TrustedPath: whether a file is what root or one user has put there, and nobody else could have.
#pragma once

#include <sys/types.h>

#include <filesystem>

#include "core/base/result.hpp"

namespace core::base {

// Follows the path from the root, link by link, as the kernel would (40 links at most). Each folder and each link on
// the way, and the file itself, must belong to root or to the user, and nobody else may write there; others may write
// in a folder with the sticky bit, where they cannot replace what is not theirs. path: absolute, of anything that is
// no link in the end. Error: the first place that is not so, with what to do about it; or that the path leads
// nowhere. What root or the user do meanwhile is not looked at.
Result<void> check_trusted(const std::filesystem::path& path, uid_t user);

}  // namespace core::base
