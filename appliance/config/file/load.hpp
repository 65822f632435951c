// Loading a configuration: the file's text to a Config, or everything that is wrong with it. Called by `run`, `check`
// and `reload`; nothing here keeps state, so a file that does not load has changed nothing.
#pragma once

#include <filesystem>
#include <string_view>
#include <tl/expected.hpp>

#include "appliance/config/file/problem.hpp"
#include "appliance/config/model/config.hpp"

namespace appliance::config {

// Reads and checks the file, and the maintenance page it names (relative to the file's folder). Blocks on the disk and
// on the user database. Never returns an empty list of problems. Problems are in the order of the file; where the text
// is not TOML at all, only the first place is known.
tl::expected<Config, Problems> load(const std::filesystem::path& file);

// The same for text that is already here; file names it in problems and anchors relative paths.
tl::expected<Config, Problems> parse(std::string_view text, const std::filesystem::path& file);

}  // namespace appliance::config
