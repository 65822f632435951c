// Release: what a folder of updates offers, as its SHA256SUMS says: one version's root, its hash tree and its kernel
// image.
#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"

namespace images::update {

struct File {
    std::string name;    // "gatehouse_2.efi"
    std::string sha256;  // 64 hexadecimal digits, in lower case
};

struct Release {
    std::string version;  // "2"
    std::array<File, 3> files;
};

// The text of SHA256SUMS. Other files than those of the update may be in it and are left out. Error: a line is none of
// that form, or one of the three is missing, is there twice or belongs to another version.
core::Result<Release> parse_release(std::string_view sums);

// That of the image which runs, as its os-release says; "?" where that says none.
std::string running_version(const std::filesystem::path& os_release = "/usr/lib/os-release");

// A version's name: letters, digits, '.', '~', '^' and '-', 32 at most.
bool is_version(std::string_view text) noexcept;

// Whether it comes after the other: as strverscmp(3) has it.
bool is_newer(const std::string& version, const std::string& than) noexcept;

}  // namespace images::update
