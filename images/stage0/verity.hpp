// Verity: the superblock of a dm-verity hash partition (veritysetup's format 1), and the device-mapper table that it
// becomes. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace images::stage0 {

struct Verity {
    std::uint32_t data_block = 0;  // bytes, a power of 2 from 512 to 4096
    std::uint32_t hash_block = 0;  // the same
    std::uint64_t data_blocks = 0;
    std::string algorithm;  // sha256; nothing else is taken
    std::string salt;       // hexadecimal; "-" for none
};

// superblock: the first 512 bytes of the partition. Nothing where it is not one that we take.
std::optional<Verity> parse_verity(std::span<const std::byte> superblock);

// 512-byte sectors of the verified device.
std::uint64_t sectors(const Verity& verity) noexcept;
// The target's parameters. A block that does not match its hash ends the system at once, so that the boot loader can
// take the other slot. By default verity would answer with read errors, and the system might run on.
std::string table(const Verity& verity, std::string_view data, std::string_view hashes, std::string_view root_hash);

}  // namespace images::stage0
