// A new file that no other user can read.
#pragma once

#include <string>
#include <string_view>

#include "core/base/result.hpp"

namespace appliance::cli {

// Writes the text into a file that only its owner can read, on the disk when this returns. Error: the file is there
// already, or it cannot be written; mend is what to do then.
core::Result<void> write_new_file(const std::string& file, std::string_view text, std::string mend);

}  // namespace appliance::cli
