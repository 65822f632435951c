// Volume: a small disk with configuration on it, told from others by its label.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

namespace images::setup {

// How many bytes from a device's begin label_of wants to see.
inline constexpr std::size_t volume_head = 34 * 1024;

struct Label {
    std::string name;  // without the spaces at its end
    const char* type;  // as mount(2) has it: "iso9660" or "vfat"
};

// Of an ISO 9660 volume (ECMA-119, section 8.4) or a FAT one (its boot sector); nothing for anything else.
std::optional<Label> label_of(std::span<const std::byte> head);

}  // namespace images::setup
