#include "images/stage0/verity.hpp"

#include <algorithm>
#include <cstring>
#include <string>

namespace images::stage0 {
namespace {

template <typename Number>
Number read(std::span<const std::byte> bytes, std::size_t at) noexcept {
    Number number{};
    std::memcpy(&number, bytes.data() + at, sizeof number);
    return number;
}

bool good_block(std::uint32_t size) noexcept {
    return size >= 512 && size <= 4096 && (size & (size - 1)) == 0;
}

}  // namespace

std::optional<Verity> parse_verity(std::span<const std::byte> superblock) {
    constexpr std::size_t salt_at = 88;
    if (superblock.size() < 512 || std::memcmp(superblock.data(), "verity\0\0", 8) != 0 ||
        read<std::uint32_t>(superblock, 8) != 1 || read<std::uint32_t>(superblock, 12) != 1) {
        return std::nullopt;
    }
    Verity verity;
    const auto* name = reinterpret_cast<const char*>(superblock.data() + 32);
    verity.algorithm.assign(name, ::strnlen(name, 32));
    verity.data_block = read<std::uint32_t>(superblock, 64);
    verity.hash_block = read<std::uint32_t>(superblock, 68);
    verity.data_blocks = read<std::uint64_t>(superblock, 72);
    const auto salt_size = read<std::uint16_t>(superblock, 80);
    if (verity.algorithm != "sha256" || !good_block(verity.data_block) || !good_block(verity.hash_block) ||
        verity.data_blocks == 0 || verity.data_blocks > (std::uint64_t{1} << 40U) || salt_size > 256) {
        return std::nullopt;
    }
    constexpr std::string_view digits = "0123456789abcdef";
    for (std::size_t at = salt_at; at < salt_at + salt_size; ++at) {
        const auto byte = std::to_integer<unsigned>(superblock[at]);
        verity.salt += digits[byte / 16];
        verity.salt += digits[byte % 16];
    }
    if (verity.salt.empty()) {
        verity.salt.assign(1, '-');
    }
    return verity;
}

std::uint64_t sectors(const Verity& verity) noexcept {
    return verity.data_blocks * (verity.data_block / 512);
}

std::string table(const Verity& verity, std::string_view data, std::string_view hashes, std::string_view root_hash) {
    std::string text("1 ");
    text.append(data).append(" ").append(hashes);
    for (const std::uint64_t number :
         {std::uint64_t{verity.data_block}, std::uint64_t{verity.hash_block}, verity.data_blocks}) {
        text.append(" ").append(std::to_string(number));
    }
    text.append(" 1 ").append(verity.algorithm).append(" ").append(root_hash).append(" ").append(verity.salt);
    text.append(" 1 panic_on_corruption");
    return text;
}

}  // namespace images::stage0
