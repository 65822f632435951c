// One text in a table of its own in gatehouse.db. The schema version of control's store does not count this table.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "core/base/result.hpp"

namespace appliance::state {

// table: its name, of letters and underscores; the caller's own constant. Nothing: no such table, or no text in it.
// Makes no table, because the folder may be read-only. Error: the database cannot be read.
core::Result<std::optional<std::string>> load_text(const std::filesystem::path& folder, const std::string& table);
// In place of the one before; nothing: removes it. It is on the disk when this returns. Error: the disk's.
core::Result<void> save_text(const std::filesystem::path& folder, const std::string& table,
                             const std::optional<std::string>& text);

}  // namespace appliance::state
