// Gpt: the partition table of a disk, and where in it the two halves of the root file system lie. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace images::stage0 {

using Guid = std::array<std::uint8_t, 16>;  // as it stands on the disk

// 64 hexadecimal digits; nothing where the text is anything else.
std::optional<std::array<std::uint8_t, 32>> parse_hash(std::string_view text) noexcept;

// The GUIDs of the root and verity partitions are the halves of the root hash (Discoverable Partitions Specification).
// They are UUIDs: their first three groups stand in little endian on the disk.
struct Halves {
    Guid root;
    Guid verity;
};
Halves split(const std::array<std::uint8_t, 32>& hash) noexcept;

// What the header in the second sector says of the table.
struct Gpt {
    std::uint64_t entries_lba = 0;
    std::uint32_t entries = 0;     // 1 to 1024
    std::uint32_t entry_size = 0;  // 128 to 4096 bytes
};
// header: one sector. Nothing where it is no header that we can use.
std::optional<Gpt> parse_gpt(std::span<const std::byte> header) noexcept;

// The place of the partition of that GUID among the entries, counted from 1 as the kernel does; 0: it is not there.
// entries: as many whole ones as table says, or fewer.
unsigned find_partition(const Gpt& table, std::span<const std::byte> entries, const Guid& wanted) noexcept;

}  // namespace images::stage0
