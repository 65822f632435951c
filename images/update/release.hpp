// Release: what a folder of updates offers. Its signed SHA256SUMS names one version's root, its hash tree, its kernel
// image and its terms. The terms are a small file, signed through its checksum: the size of each file, and until when
// they may be installed. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/duration.hpp"
#include "core/base/result.hpp"

namespace images::update {

struct File {
    std::string name;        // "gatehouse_2.efi"
    std::string sha256;      // 64 hexadecimal digits, in lower case
    std::uint64_t size = 0;  // bytes; known with the terms
};

struct Release {
    std::string version;  // "2"
    std::array<File, 3> files;
    File terms;                // "gatehouse_2.terms"; its size is not signed
    core::WallTime expires{};  // known with the terms
};

inline constexpr std::uint64_t file_size_max = std::uint64_t{1} << 30;  // bytes; a slot has fewer
// What an update leaves free for Gatehouse's state, in bytes. It writes its files beside that.
inline constexpr std::uint64_t room_kept = std::uint64_t{32} << 20;

// The text of SHA256SUMS. Other files in it are ignored. Error: a line of another form; or one of the four is missing,
// is there twice, or belongs to another version.
core::Result<Release> parse_release(std::string_view sums);

// Adds the terms: JSON with "version", "expires" (RFC 3339) and "sizes", bytes by file name. Error: the text has
// another checksum than the release names, or another form, or is of another version. Or a file's size is missing, 0,
// or more than file_size_max.
core::Result<void> take_terms(std::string_view text, Release& release);

// Whether it may be installed where `running` runs. Error: it is not newer, or has expired by now.
core::Result<void> check_fresh(const Release& release, const std::string& running, core::WallTime now);

// Whether it can be fetched where so many bytes are free. Error: it needs more, or would leave less than room_kept.
core::Result<void> check_room(const Release& release, std::uint64_t available);

// That of the image which runs, as its os-release says; "?" where that says none.
std::string running_version(const std::filesystem::path& os_release = "/usr/lib/os-release");

// A version's name: letters, digits, '.', '~', '^' and '-', 32 at most.
bool is_version(std::string_view text) noexcept;

// Whether it comes after the other: as strverscmp(3) has it.
bool is_newer(const std::string& version, const std::string& than) noexcept;

}  // namespace images::update
