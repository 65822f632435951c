// Reading a whole small file: the configuration, the files it names (named_file.hpp), and what the command line keeps.
#pragma once

#include <filesystem>
#include <string>

#include "core/base/descriptor.hpp"
#include "core/base/result.hpp"

namespace appliance::config {

// The bytes of a regular file. Errors: it cannot be opened or read; it is no file (a directory, a pipe that would
// block); it holds more than size_max bytes.
core::Result<std::string> read_text(const std::filesystem::path& path, std::size_t size_max);
// The same from one that is open. what: "cannot read 'PATH'", for errors.
core::Result<std::string> read_text(const core::base::Descriptor& file, const std::string& what, std::size_t size_max);

}  // namespace appliance::config
