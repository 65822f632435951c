#include "images/setup/volume.hpp"

#include <string_view>

namespace images::setup {
namespace {

constexpr std::size_t iso_descriptor = 32 * 1024;

std::string_view text_at(std::span<const std::byte> bytes, std::size_t at, std::size_t size) {
    return {reinterpret_cast<const char*>(bytes.data()) + at, size};
}

std::string trimmed(std::string_view text) {
    const auto end = text.find_last_not_of(' ');
    return std::string(text.substr(0, end == std::string_view::npos ? 0 : end + 1));
}

}  // namespace

std::optional<Label> label_of(std::span<const std::byte> head) {
    if (head.size() < volume_head) {
        return std::nullopt;
    }
    // A primary volume descriptor has type 1.
    if (head[iso_descriptor] == std::byte{1} && text_at(head, iso_descriptor + 1, 5) == "CD001") {
        return Label{trimmed(text_at(head, iso_descriptor + 40, 32)), "iso9660"};
    }
    if (head[510] != std::byte{0x55} || head[511] != std::byte{0xaa}) {
        return std::nullopt;
    }
    if (text_at(head, 82, 5) == "FAT32") {
        return Label{trimmed(text_at(head, 71, 11)), "vfat"};
    }
    if (text_at(head, 54, 3) == "FAT") {
        return Label{trimmed(text_at(head, 43, 11)), "vfat"};
    }
    return std::nullopt;
}

}  // namespace images::setup
