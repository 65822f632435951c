// NamedFile: a file that the configuration names. A text from `config apply` may not reach other files of the machine:
// names lead to files beneath the configuration's folder.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>

#include "core/base/result.hpp"

namespace appliance::config {

// Which file it is, whatever its name.
struct FileIdentity {
    dev_t device = 0;
    ino_t number = 0;

    friend bool operator==(const FileIdentity&, const FileIdentity&) = default;
};

struct NamedFile {
    std::string bytes;
    FileIdentity identity;
    mode_t mode = 0;
};

// Whether an absolute name may lead out of the folder.
enum class Reach { beneath, absolute_anywhere };

// Reads a regular file of at most size_max bytes. name: relative to the folder, or absolute. What it leads to lies
// beneath the folder. Links on the way are followed as long as they stay there, and absolute ones are not. That is
// openat2's RESOLVE_BENEATH, with the system calls that control's filter allows. With absolute_anywhere a name that is
// absolute itself is read wherever it is. Blocks on the disk. Errors: it leads elsewhere, it cannot be read, is no
// file, or is too large.
core::Result<NamedFile> read_named(const std::filesystem::path& folder, const std::filesystem::path& name, Reach reach,
                                   std::size_t size_max);

// The same look without reading it: where the file is missing, nothing is wrong with its name.
core::Result<void> check_beneath(const std::filesystem::path& folder, const std::filesystem::path& name);

}  // namespace appliance::config
